// Eigenvectors of a second moment, C = V diag(values) V^T: what they are, how they are stored, and the projection off some of them.
import { ErrataError } from '@errata/contracts';
import { type Matrix, matrix, multiply, symmetricEigen } from '@errata/graph';
import { encodeSafetensors, parseSafetensors } from '@errata/models';
import { z } from 'zod';
import { parseMetadata, rawFloat64, readFloat64, type SecondMoment } from '../second-moment/second-moment.ts';
import { eigenbasisFormat } from './request.ts';

const originSchema = z.strictObject({ format: z.literal(eigenbasisFormat), model: z.string(), layer: z.int() });

/** Eigenvalues and eigenvectors of the second moment of a layer's keys, in float64. */
export interface Eigenbasis {
  /** Digest of the base model. */
  readonly model: string;
  readonly layer: number;
  /** d_ff. */
  readonly size: number;
  /** Descending. */
  readonly values: Float64Array;
  /** Row-major `[size, size]`, an eigenvector a column. */
  readonly vectors: Float64Array;
}

/** The eigenvectors of a second moment; its ridge takes no part. */
export async function findEigenbasis({
  size,
  moment,
  provenance: { model, layer },
}: SecondMoment): Promise<Eigenbasis> {
  const { values, vectors } = await symmetricEigen(matrix(size, size, moment));
  return { model, layer, size, values, vectors: vectors.data };
}

/** As a safetensors file: `values` and `vectors` in F64. */
export function encodeEigenbasis({ model, layer, size, values, vectors }: Eigenbasis): Uint8Array {
  const tensors = new Map([
    ['values', rawFloat64([size], values)],
    ['vectors', rawFloat64([size, size], vectors)],
  ]);
  return encodeSafetensors(tensors, {
    metadata: { origin: JSON.stringify({ format: eigenbasisFormat, model, layer }) },
  });
}

/** The inverse of {@link encodeEigenbasis}. @throws ErrataError `blob_corrupt`; ModelError safetensors_* */
export function decodeEigenbasis(bytes: Uint8Array): Eigenbasis {
  const file = parseSafetensors(bytes, 'eigenvectors');
  const origin = originSchema.safeParse(parseMetadata(file.metadata.get('origin')));
  if (!origin.success)
    throw new ErrataError('blob_corrupt', 'stored eigenvectors lack their origin', { cause: origin.error });
  const [values, vectors] = [readFloat64(file, 'values'), readFloat64(file, 'vectors')];
  const size = values.length;
  if (vectors.length !== size * size)
    throw new ErrataError('blob_corrupt', `there are ${size} eigenvalues and ${vectors.length} elements of vectors`);
  const { model, layer } = origin.data;
  return { model, layer, size, values, vectors };
}

/** How many eigenvalues are at least `threshold`: they come first. */
export const countAtLeast = ({ values }: Eigenbasis, threshold: number): number => {
  const below = values.findIndex((value) => value < threshold);
  return below === -1 ? values.length : below;
};

/**
 * P x for each column x of `[size, n]`, with P the projection onto the eigenvectors whose values are below a threshold: what is left of x
 * once its part along the first `kept` eigenvectors is taken away.
 */
export async function projectOff({ size, vectors }: Eigenbasis, kept: number, columns: Matrix): Promise<Matrix> {
  const out = { ...columns, data: columns.data.slice() };
  if (kept === 0) return out;
  const basis = matrix(size, kept);
  for (let row = 0; row < size; row++) basis.data.set(vectors.subarray(row * size, row * size + kept), row * kept);
  const along = await multiply(basis, await multiply(basis, columns, { transA: true }));
  for (let i = 0; i < out.data.length; i++) out.data[i]! -= along.data[i]!;
  return out;
}
