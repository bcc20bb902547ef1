// The operators as functions: each checks its operands, infers the result's shape and makes one node.

import { addDims, broadcastDims, canonicalDim, type Dim, elementCount, mulDims, sameDims, subDims } from './dims.ts';
import { GraphError, type GraphErrorCode } from './errors.ts';
import type { CompositeVjp, DType, Node, NodeOf, OpAttributes, OpType, Tensor } from './nodes.ts';
import { makeTensor, scalar, scopedName } from './tensor.ts';

/** A tensor, or a number that becomes a constant of the other operand's type. */
export type Operand = Tensor | number;

type Result = { readonly dtype: DType; readonly dims: readonly Dim[] };

function makeNode<K extends OpType>(
  op: K,
  inputs: readonly Tensor[],
  attributes: OpAttributes[K],
  results: readonly Result[],
): readonly Tensor[] {
  const node: NodeOf<K> = { op, name: scopedName(op), inputs, attributes, outputs: [] };
  for (const [index, { dtype, dims }] of results.entries()) {
    node.outputs.push(makeTensor(node.name, dtype, dims, { kind: 'node', node: node as Node, index }));
  }
  return node.outputs;
}

function single<K extends OpType>(
  op: K,
  inputs: readonly Tensor[],
  attributes: OpAttributes[K],
  dtype: DType,
  dims: readonly Dim[],
): Tensor {
  return makeNode(op, inputs, attributes, [{ dtype, dims }])[0]!;
}

function refuse(op: OpType, code: GraphErrorCode, message: string, inputs: readonly Tensor[]): never {
  throw new GraphError(code, message, { where: scopedName(op), shapes: inputs.map((t) => t.dims) });
}

function isFloat(dtype: DType): dtype is 'float32' | 'float64' {
  return dtype === 'float32' || dtype === 'float64';
}

function requireFloat(op: OpType, ...inputs: readonly Tensor[]): void {
  const first = inputs[0]!;
  for (const x of inputs) {
    if (!isFloat(x.dtype)) refuse(op, 'dtype_mismatch', `needs a float tensor, got ${x.dtype} "${x.name}"`, inputs);
    if (x.dtype !== first.dtype) refuse(op, 'dtype_mismatch', `mixes ${first.dtype} and ${x.dtype}`, inputs);
  }
}

function requireIndices(op: OpType, indices: Tensor, inputs: readonly Tensor[]): void {
  if (indices.dtype !== 'int32' && indices.dtype !== 'int64')
    refuse(op, 'dtype_mismatch', `indices must be int32, got ${indices.dtype}`, inputs);
}

function axisOf(op: OpType, x: Tensor, axis: number): number {
  const resolved = axis < 0 ? axis + x.dims.length : axis;
  if (!Number.isInteger(resolved) || resolved < 0 || resolved >= x.dims.length)
    refuse(op, 'bad_argument', `axis ${axis} is outside the tensor`, [x]);
  return resolved;
}

function replaceDim(dims: readonly Dim[], axis: number, dim: Dim): readonly Dim[] {
  return dims.map((d, i) => (i === axis ? dim : d));
}

function lift(op: OpType, a: Operand, b: Operand): readonly [Tensor, Tensor] {
  if (typeof a === 'number') {
    if (typeof b === 'number') throw new GraphError('bad_argument', 'needs a tensor', { where: scopedName(op) });
    return [numberLike(op, a, b), b];
  }
  return [a, typeof b === 'number' ? numberLike(op, b, a) : b];
}

function numberLike(op: OpType, value: number, like: Tensor): Tensor {
  if (like.dtype === 'int64' || like.dtype === 'bool')
    refuse(op, 'dtype_mismatch', `no number constant of ${like.dtype}`, [like]);
  return scalar(value, like.dtype);
}

function binary(op: 'add' | 'sub' | 'mul' | 'div', a: Operand, b: Operand): Tensor {
  const [x, y] = lift(op, a, b);
  if (x.dtype !== y.dtype || x.dtype === 'bool')
    refuse(op, 'dtype_mismatch', `cannot combine ${x.dtype} and ${y.dtype}`, [x, y]);
  const dims = broadcastDims(x.dims, y.dims) ?? refuse(op, 'shape_mismatch', 'shapes do not broadcast', [x, y]);
  return single(op, [x, y], {}, x.dtype, dims);
}

function unary(
  op: 'neg' | 'exp' | 'log' | 'sqrt' | 'sin' | 'cos' | 'tanh' | 'sigmoid' | 'erf' | 'relu' | 'stopGradient',
  x: Tensor,
): Tensor {
  requireFloat(op, x);
  return single(op, [x], {}, x.dtype, x.dims);
}

/** Sum, broadcasting. */
export const add = (a: Operand, b: Operand): Tensor => binary('add', a, b);
/** Difference, broadcasting. */
export const sub = (a: Operand, b: Operand): Tensor => binary('sub', a, b);
/** Product of elements, broadcasting. */
export const mul = (a: Operand, b: Operand): Tensor => binary('mul', a, b);
/** Quotient, broadcasting. */
export const div = (a: Operand, b: Operand): Tensor => binary('div', a, b);
/** -x. */
export const neg = (x: Tensor): Tensor => unary('neg', x);
/** e^x. */
export const exp = (x: Tensor): Tensor => unary('exp', x);
/** Natural logarithm. */
export const log = (x: Tensor): Tensor => unary('log', x);
/** Square root. */
export const sqrt = (x: Tensor): Tensor => unary('sqrt', x);
/** Sine of radians. */
export const sin = (x: Tensor): Tensor => unary('sin', x);
/** Cosine of radians. */
export const cos = (x: Tensor): Tensor => unary('cos', x);
/** Hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => unary('tanh', x);
/** 1 / (1 + e^-x). */
export const sigmoid = (x: Tensor): Tensor => unary('sigmoid', x);
/** Gauss error function. */
export const erf = (x: Tensor): Tensor => unary('erf', x);
/** max(x, 0); its gradient at 0 is 0. */
export const relu = (x: Tensor): Tensor => unary('relu', x);
/** The same value, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => unary('stopGradient', x);

/** x^exponent for a fixed exponent. */
export function pow(x: Tensor, exponent: number): Tensor {
  requireFloat('pow', x);
  return single('pow', [x], { exponent }, x.dtype, x.dims);
}

/** x². */
export const square = (x: Tensor): Tensor => mul(x, x);

/**
 * Gaussian error linear unit.
 * @param form `tanh`: 0.5x(1 + tanh(√(2/π)(x + 0.044715x³))), the `gelu_new` of GPT-2; `erf`: x·Φ(x)
 */
export function gelu(x: Tensor, form: 'tanh' | 'erf'): Tensor {
  requireFloat('gelu', x);
  return single('gelu', [x], { form }, x.dtype, x.dims);
}

/** x·sigmoid(x). */
export const silu = (x: Tensor): Tensor => mul(x, sigmoid(x));

function compare(op: 'less' | 'lessOrEqual' | 'equal', a: Operand, b: Operand): Tensor {
  const [x, y] = lift(op, a, b);
  if (x.dtype !== y.dtype) refuse(op, 'dtype_mismatch', `cannot compare ${x.dtype} and ${y.dtype}`, [x, y]);
  const dims = broadcastDims(x.dims, y.dims) ?? refuse(op, 'shape_mismatch', 'shapes do not broadcast', [x, y]);
  return single(op, [x, y], {}, 'bool', dims);
}

/** a < b, as bool. */
export const less = (a: Operand, b: Operand): Tensor => compare('less', a, b);
/** a <= b, as bool. */
export const lessOrEqual = (a: Operand, b: Operand): Tensor => compare('lessOrEqual', a, b);
/** a == b, as bool. */
export const equal = (a: Operand, b: Operand): Tensor => compare('equal', a, b);

/** `yes` where `condition` holds, else `no`; broadcasting. */
export function where(condition: Tensor, yes: Operand, no: Operand): Tensor {
  const [x, y] = lift('where', yes, no);
  const inputs = [condition, x, y];
  if (condition.dtype !== 'bool') refuse('where', 'dtype_mismatch', `condition is ${condition.dtype}`, inputs);
  if (x.dtype !== y.dtype) refuse('where', 'dtype_mismatch', `cannot choose between ${x.dtype} and ${y.dtype}`, inputs);
  const both = broadcastDims(x.dims, y.dims);
  const dims =
    (both && broadcastDims(condition.dims, both)) ??
    refuse('where', 'shape_mismatch', 'shapes do not broadcast', inputs);
  return single('where', inputs, {}, x.dtype, dims);
}

/** Conversion of element type; gradients flow between float types only. */
export function cast(x: Tensor, to: DType): Tensor {
  return x.dtype === to ? x : single('cast', [x], { to }, to, x.dims);
}

/** Batched matrix product over the last two axes; leading axes broadcast. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  requireFloat('matmul', a, b);
  if (a.dims.length < 2 || b.dims.length < 2) refuse('matmul', 'shape_mismatch', 'needs two axes or more', [a, b]);
  const batch = broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2));
  if (!batch || a.dims.at(-1) !== b.dims.at(-2)) refuse('matmul', 'shape_mismatch', 'shapes do not multiply', [a, b]);
  return single('matmul', [a, b], {}, a.dtype, [...batch, a.dims.at(-2)!, b.dims.at(-1)!]);
}

/**
 * op(a)·op(b) + c of matrices, op being transposition where asked.
 * @param options.bias added to every row: `[n]`, `[1, n]` or `[m, n]`
 */
export function gemm(
  a: Tensor,
  b: Tensor,
  options: { readonly transA?: boolean; readonly transB?: boolean; readonly bias?: Tensor } = {},
): Tensor {
  const { transA = false, transB = false, bias } = options;
  const inputs = bias ? [a, b, bias] : [a, b];
  requireFloat('gemm', ...inputs);
  if (a.dims.length !== 2 || b.dims.length !== 2) refuse('gemm', 'shape_mismatch', 'needs matrices', inputs);
  const [m, k] = transA ? [a.dims[1]!, a.dims[0]!] : [a.dims[0]!, a.dims[1]!];
  const [k2, n] = transB ? [b.dims[1]!, b.dims[0]!] : [b.dims[0]!, b.dims[1]!];
  if (k !== k2) refuse('gemm', 'shape_mismatch', `inner sizes ${k} and ${k2} differ`, inputs);
  if (bias) {
    const dims = broadcastDims([m, n], bias.dims);
    if (!dims || !sameDims(dims, [m, n])) refuse('gemm', 'shape_mismatch', 'bias does not fit', inputs);
  }
  return single('gemm', inputs, { transA, transB }, a.dtype, [m, n]);
}

/** Axes reordered: axis i of the result is axis `permutation[i]` of x. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  const valid = [...permutation].sort((a, b) => a - b).every((p, i) => p === i);
  if (!valid || permutation.length !== x.dims.length)
    refuse('transpose', 'bad_argument', `[${permutation.join(', ')}] is not a permutation of the axes`, [x]);
  return single(
    'transpose',
    [x],
    { permutation },
    x.dtype,
    permutation.map((p) => x.dims[p]!),
  );
}

/** The same elements in another shape. */
export function reshape(x: Tensor, dims: readonly Dim[]): Tensor {
  const target = dims.map(canonicalDim);
  if (elementCount(x.dims) !== elementCount(target))
    refuse('reshape', 'shape_mismatch', `cannot become [${target.join(', ')}]`, [x]);
  return sameDims(x.dims, target) ? x : single('reshape', [x], { dims: target }, x.dtype, target);
}

/** x repeated along axes of size 1 (and new leading axes) to reach `dims`. */
export function expand(x: Tensor, dims: readonly Dim[]): Tensor {
  const target = dims.map(canonicalDim);
  const reached = broadcastDims(x.dims, target);
  if (!reached || !sameDims(reached, target))
    refuse('expand', 'shape_mismatch', `cannot become [${target.join(', ')}]`, [x]);
  return sameDims(x.dims, target) ? x : single('expand', [x], { dims: target }, x.dtype, target);
}

/** A tensor filled with one number. */
export function fill(value: number, dims: readonly Dim[], dtype: 'float32' | 'float64' | 'int32'): Tensor {
  return expand(scalar(value, dtype), dims);
}

/** A size as a number, for averages over symbolic axes. */
export function size(dim: Dim, dtype: 'float32' | 'float64'): Tensor {
  return typeof dim === 'number' ? scalar(dim, dtype) : single('size', [], { dim }, dtype, []);
}

/** Tensors joined along an axis. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0] ?? refuse('concat', 'bad_argument', 'needs a tensor', []);
  if (parts.length === 1) return first;
  const at = axisOf('concat', first, axis);
  for (const part of parts) {
    if (part.dtype !== first.dtype || !sameDims(replaceDim(part.dims, at, 0), replaceDim(first.dims, at, 0)))
      refuse('concat', 'shape_mismatch', `parts differ outside axis ${at}`, parts);
  }
  const total = parts.map((part) => part.dims[at]!).reduce(addDims);
  return single('concat', parts, { axis: at }, first.dtype, replaceDim(first.dims, at, total));
}

/** A tensor cut along an axis into parts of the given sizes, which must add up. */
export function split(x: Tensor, axis: number, sizes: readonly Dim[]): readonly Tensor[] {
  const at = axisOf('split', x, axis);
  if (sizes.reduce<Dim>(addDims, 0) !== x.dims[at])
    refuse('split', 'shape_mismatch', `parts [${sizes.join(', ')}] do not add up along axis ${at}`, [x]);
  return makeNode(
    'split',
    [x],
    { axis: at, sizes },
    sizes.map((part) => ({ dtype: x.dtype, dims: replaceDim(x.dims, at, part) })),
  );
}

/** Elements `start` to `end` (exclusive) along an axis. */
export function slice(x: Tensor, axis: number, start: Dim, end: Dim): Tensor {
  const at = axisOf('slice', x, axis);
  const length = subDims(end, start);
  const full = x.dims[at]!;
  const outside = typeof end === 'number' && typeof full === 'number' && end > full;
  if (outside || (typeof length === 'number' && length < 0))
    refuse('slice', 'bad_argument', `${start} to ${end} is outside axis ${at}`, [x]);
  return single('slice', [x], { axis: at, start, end }, x.dtype, replaceDim(x.dims, at, length));
}

/** Zeros added before and after along an axis. */
export function pad(x: Tensor, axis: number, before: Dim, after: Dim): Tensor {
  const at = axisOf('pad', x, axis);
  const length = addDims(addDims(before, x.dims[at]!), after);
  return single('pad', [x], { axis: at, before, after }, x.dtype, replaceDim(x.dims, at, length));
}

/** Rows of x (axis 0) by index: `[N, ...]` and indices `[R]` give `[R, ...]`. */
export function gather(x: Tensor, indices: Tensor): Tensor {
  requireIndices('gather', indices, [x, indices]);
  if (indices.dims.length !== 1 || x.dims.length === 0)
    refuse('gather', 'shape_mismatch', 'needs rows and a list of indices', [x, indices]);
  return single('gather', [x, indices], {}, x.dtype, [indices.dims[0]!, ...x.dims.slice(1)]);
}

/** Elements of x picked along one axis: result[.., i, ..] = x[.., indices[.., i, ..], ..]. */
export function gatherElements(x: Tensor, indices: Tensor, axis: number): Tensor {
  requireIndices('gatherElements', indices, [x, indices]);
  const at = axisOf('gatherElements', x, axis);
  if (!sameDims(replaceDim(x.dims, at, 0), replaceDim(indices.dims, at, 0)))
    refuse('gatherElements', 'shape_mismatch', `shapes differ outside axis ${at}`, [x, indices]);
  return single('gatherElements', [x, indices], { axis: at }, x.dtype, indices.dims);
}

/** x with `updates` added at `indices` along one axis; indices may repeat. */
export function scatterElementsAdd(x: Tensor, indices: Tensor, updates: Tensor, axis: number): Tensor {
  const inputs = [x, indices, updates];
  requireFloat('scatterElementsAdd', x, updates);
  requireIndices('scatterElementsAdd', indices, inputs);
  const at = axisOf('scatterElementsAdd', x, axis);
  if (!sameDims(indices.dims, updates.dims) || !sameDims(replaceDim(x.dims, at, 0), replaceDim(indices.dims, at, 0)))
    refuse('scatterElementsAdd', 'shape_mismatch', `shapes differ outside axis ${at}`, inputs);
  return single('scatterElementsAdd', inputs, { axis: at }, x.dtype, x.dims);
}

/** x with rows (axis 0) replaced: indices `[R]` must not repeat, updates `[R, ...]`. */
export function scatterRows(x: Tensor, indices: Tensor, updates: Tensor): Tensor {
  const inputs = [x, indices, updates];
  requireFloat('scatterRows', x, updates);
  requireIndices('scatterRows', indices, inputs);
  if (indices.dims.length !== 1 || !sameDims(updates.dims, [indices.dims[0]!, ...x.dims.slice(1)]))
    refuse('scatterRows', 'shape_mismatch', 'updates do not fit rows and indices', inputs);
  return single('scatterRows', inputs, {}, x.dtype, x.dims);
}

function rowwise(op: 'softmax' | 'logSoftmax', x: Tensor): Tensor {
  requireFloat(op, x);
  if (x.dims.length === 0) refuse(op, 'shape_mismatch', 'needs an axis', [x]);
  return single(op, [x], {}, x.dtype, x.dims);
}

/** Softmax over the last axis. Mask with -1e9: a row of -Infinity gives NaN. */
export const softmax = (x: Tensor): Tensor => rowwise('softmax', x);
/** Logarithm of softmax over the last axis. */
export const logSoftmax = (x: Tensor): Tensor => rowwise('logSoftmax', x);

/** Sums along the last axis up to and with each element or, in reverse, from each element on. */
export function cumSum(x: Tensor, reverse = false): Tensor {
  requireFloat('cumSum', x);
  if (x.dims.length === 0) refuse('cumSum', 'shape_mismatch', 'needs an axis', [x]);
  return single('cumSum', [x], { reverse }, x.dtype, x.dims);
}

function reduce(
  op: 'reduceSum' | 'reduceMean' | 'reduceMax',
  x: Tensor,
  axes: readonly number[] | undefined,
  keepDims: boolean,
): Tensor {
  requireFloat(op, x);
  const chosen = [...new Set((axes ?? x.dims.map((_, i) => i)).map((axis) => axisOf(op, x, axis)))].sort(
    (a, b) => a - b,
  );
  if (chosen.length === 0) return x;
  const dims = keepDims
    ? x.dims.map((dim, i) => (chosen.includes(i) ? 1 : dim))
    : x.dims.filter((_, i) => !chosen.includes(i));
  return single(op, [x], { axes: chosen, keepDims }, x.dtype, dims);
}

/** Sum over axes (all when left out). */
export const reduceSum = (x: Tensor, axes?: readonly number[], keepDims = false): Tensor =>
  reduce('reduceSum', x, axes, keepDims);
/** Mean over axes (all when left out). */
export const reduceMean = (x: Tensor, axes?: readonly number[], keepDims = false): Tensor =>
  reduce('reduceMean', x, axes, keepDims);
/** Greatest over axes (all when left out); ties share the gradient equally. */
export const reduceMax = (x: Tensor, axes?: readonly number[], keepDims = false): Tensor =>
  reduce('reduceMax', x, axes, keepDims);

/** Index of the greatest element along the last axis, int32; the first of equals. */
export function argMax(x: Tensor): Tensor {
  requireFloat('argMax', x);
  if (x.dims.length === 0) refuse('argMax', 'shape_mismatch', 'needs an axis', [x]);
  return cast(single('argMax', [x], {}, 'int64', x.dims.slice(0, -1)), 'int32');
}

/** The k greatest elements along the last axis, in descending order, and their int32 indices; no gradient. */
export function topK(x: Tensor, k: number): { readonly values: Tensor; readonly indices: Tensor } {
  requireFloat('topK', x);
  const last = x.dims.at(-1);
  if (last === undefined || (typeof last === 'number' && k > last) || !(k > 0))
    refuse('topK', 'bad_argument', `cannot take ${k} elements`, [x]);
  const dims = [...x.dims.slice(0, -1), k];
  const [values, indices] = makeNode('topK', [x], { k }, [
    { dtype: x.dtype, dims },
    { dtype: 'int64', dims },
  ]);
  return { values: values!, indices: cast(indices!, 'int32') };
}

/**
 * Layer normalisation over the last axis: (x - mean) / sqrt(variance + epsilon) · scale + bias.
 * @param scale `[d]`
 * @param bias `[d]`
 */
export function layerNorm(x: Tensor, scale: Tensor, bias: Tensor, epsilon: number): Tensor {
  const inputs = [x, scale, bias];
  requireFloat('layerNorm', ...inputs);
  const last = x.dims.at(-1);
  if (last === undefined || !sameDims(scale.dims, [last]) || !sameDims(bias.dims, [last]))
    refuse('layerNorm', 'shape_mismatch', 'scale and bias must have the size of the last axis', inputs);
  const rows = replaceDim(x.dims, x.dims.length - 1, 1);
  return makeNode('layerNorm', inputs, { epsilon }, [
    { dtype: x.dtype, dims: x.dims },
    { dtype: x.dtype, dims: rows },
    { dtype: x.dtype, dims: rows },
  ])[0]!;
}

/**
 * Several nodes taken as one, with a derivative of its own: for cases where the chain rule over the parts would be slow or inexact.
 * @param build makes the outputs from the inputs, and the vector-Jacobian product over them
 */
export function composite(
  label: string,
  inputs: readonly Tensor[],
  build: () => { readonly outputs: readonly Tensor[]; readonly vjp: CompositeVjp },
): readonly Tensor[] {
  const { outputs, vjp } = build();
  return makeNode('composite', inputs, { label, body: outputs, vjp }, outputs);
}

/** Number of elements along all axes but the last: the rows of x seen as a matrix. */
export function rowCount(x: Tensor): Dim {
  return x.dims.slice(0, -1).reduce<Dim>(mulDims, 1);
}
