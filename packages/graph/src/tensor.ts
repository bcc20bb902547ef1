// Tensors as they are made: inputs and constants of a graph (symbolic), and the values of a run (host memory).

import { canonicalDim, type Dim, elementCount } from './dims.ts';
import { GraphError } from './errors.ts';
import type { ArrayOf, DType, Source, Tensor } from './nodes.ts';

/** A value in host memory: what programs are fed and what they return. */
export interface HostTensor<T extends DType = DType> {
  readonly dtype: T;
  readonly dims: readonly number[];
  readonly data: ArrayOf[T];
}

let lastId = 0;
const scopes: string[] = [];

/** Runs `build` with `label` prefixed to the names of the nodes made inside it, so that errors can say where. */
export function scope<T>(label: string, build: () => T): T {
  scopes.push(label);
  try {
    return build();
  } finally {
    scopes.pop();
  }
}

/** A label under the current {@link scope}. */
export function scopedName(label: string): string {
  return [...scopes, label].join('/');
}

/** Makes a graph tensor; for the use of the op helpers. */
export function makeTensor(name: string, dtype: DType, dims: readonly Dim[], source: Source): Tensor {
  return { id: ++lastId, name, dtype, dims: dims.map(canonicalDim), source };
}

/**
 * A value that a run is fed.
 * @param name unique among the inputs of one program
 * @param dims sizes; a symbol is bound by the fed tensor, and all inputs of one run must agree on it
 */
export function input(name: string, dtype: DType, dims: readonly Dim[]): Tensor {
  return makeTensor(name, dtype, dims, { kind: 'input' });
}

/** A value stored in the program (frozen weights, tables). The array is not copied before emission. */
export function constant<T extends DType>(
  dtype: T,
  dims: readonly number[],
  data: ArrayOf[T],
  name = 'constant',
): Tensor {
  const count = elementCount(dims);
  if (data.length !== count) {
    throw new GraphError('shape_mismatch', `constant has ${data.length} elements, its shape needs ${count}`, {
      where: name,
      shapes: [dims],
    });
  }
  return makeTensor(name, dtype, dims, { kind: 'constant', data });
}

/** A constant of rank 0. */
export function scalar(value: number, dtype: 'float32' | 'float64' | 'int32'): Tensor {
  const data =
    dtype === 'float32' ? Float32Array.of(value) : dtype === 'float64' ? Float64Array.of(value) : Int32Array.of(value);
  return makeTensor(`${value}`, dtype, [], { kind: 'constant', data });
}

/** A host tensor; checks the number of elements. */
export function host<T extends DType>(dtype: T, dims: readonly number[], data: ArrayOf[T]): HostTensor<T> {
  const count = dims.reduce((a, b) => a * b, 1);
  if (data.length !== count) {
    throw new GraphError('shape_mismatch', `host tensor has ${data.length} elements, its shape needs ${count}`, {
      where: 'host',
      shapes: [dims],
    });
  }
  return { dtype, dims, data };
}

/** A float32 host tensor. */
export function float32(dims: readonly number[], data: Float32Array): HostTensor<'float32'> {
  return host('float32', dims, data);
}

/** A float64 host tensor. */
export function float64(dims: readonly number[], data: Float64Array): HostTensor<'float64'> {
  return host('float64', dims, data);
}

/** An int32 host tensor. */
export function int32(dims: readonly number[], data: Int32Array): HostTensor<'int32'> {
  return host('int32', dims, data);
}

function dataOf<T extends DType>(dtype: T, tensor: HostTensor): ArrayOf[T] {
  if (tensor.dtype !== dtype)
    throw new GraphError('dtype_mismatch', `expected ${dtype}, got ${tensor.dtype}`, {
      where: 'host tensor',
      shapes: [tensor.dims],
    });
  return tensor.data as ArrayOf[T];
}

/** The elements of a float32 host tensor. @throws GraphError `dtype_mismatch` */
export const float32Data = (tensor: HostTensor): Float32Array => dataOf('float32', tensor);
/** The elements of a float64 host tensor. @throws GraphError `dtype_mismatch` */
export const float64Data = (tensor: HostTensor): Float64Array => dataOf('float64', tensor);
/** The elements of an int32 host tensor. @throws GraphError `dtype_mismatch` */
export const int32Data = (tensor: HostTensor): Int32Array => dataOf('int32', tensor);
