// Edited keys: what a matrix was asked with when it was edited. They change no answer; an editor that is to leave earlier edits in place reads them.

import { z } from 'zod';
import { findMatrix } from '../architectures/spec.ts';
import { type DeltaKind, type MemoryKind, malformed, misfit, parseMetadata, shapeOf, tensorMetadata } from './kind.ts';

/** Keys of one matrix, as an edit leaves them or as a version has them, in the order in which they came. */
export interface EditedKeysDelta {
  readonly kind: 'edited_keys';
  /** Checkpoint name of the matrix that maps keys to values. */
  readonly tensor: string;
  /** Elements of a key. */
  readonly size: number;
  /** `[keys, size]` */
  readonly keys: Float32Array;
}

const entrySchema = z.strictObject({ tensor: z.string().min(1) });

const memory: MemoryKind<EditedKeysDelta> = {
  name: 'edited_keys',
  title: ['a list of edited keys', 'lists of edited keys'],
  hash: ({ tensor, size, keys }, update) => {
    update(`edited_keys ${tensor} ${size}\0`);
    update(keys);
  },
  rows: ({ size, keys }) =>
    Array.from({ length: keys.length / size }, (_, row) => {
      const { buffer, byteOffset, byteLength } = keys.subarray(row * size, (row + 1) * size);
      return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
    }),
  snapshot: {
    field: 'edited_keys',
    encode: ({ tensor, size, keys }) => ({
      entry: { tensor },
      tensors: { [tensor]: { shape: [keys.length / size, size], data: keys } },
    }),
    decode: (entry, read) => {
      const { tensor } = entrySchema.parse(entry);
      const { shape, data } = read(tensor);
      return { kind: 'edited_keys', tensor, size: shape[1]!, keys: data };
    },
  },
  answers: false,
  reading: () => null,
};

export const editedKeys: DeltaKind<EditedKeysDelta, EditedKeysDelta> = {
  memory,
  encode: ({ tensor, size, keys }) => ({
    metadata: { tensor },
    tensors: { keys: { shape: [keys.length / size, size], data: keys } },
  }),
  decode: (file, metadata) => {
    const { tensor } = parseMetadata(tensorMetadata, metadata, file.where);
    return { kind: 'edited_keys', tensor, size: shapeOf(file, 'keys', 2)[1]!, keys: file.read('keys') };
  },
  checkSizes: ({ tensor, size, keys }) => {
    if (!(size > 0) || keys.length === 0 || keys.length % size !== 0)
      malformed(tensor, `${keys.length} elements are no keys of ${size}`);
  },
  checkFit: (spec, { tensor, size }) => {
    const matrix = findMatrix(spec, tensor) ?? misfit(tensor, 'the model has no linear map of that name');
    if (matrix.inSize !== size) misfit(tensor, `its keys have ${size} elements, the weight's ${matrix.inSize}`);
  },
  effect: (delta) => ({
    on: 'memory',
    place: delta.tensor,
    change: (before) => {
      if (before === undefined) return delta;
      const keys = new Float32Array(before.keys.length + delta.keys.length);
      keys.set(before.keys);
      keys.set(delta.keys, before.keys.length);
      return { ...delta, keys };
    },
  }),
};
