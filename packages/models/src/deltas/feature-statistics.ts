// Feature statistics: mean and spread of what an editor has seen of a model's maps, which it scales what it sees next by. They change no answer.

import { z } from 'zod';
import { type DeltaKind, type MemoryKind, malformed, parseMetadata, shapeOf } from './kind.ts';

/** Count, mean and summed squared deviation of vectors, as an edit adds them or as a version has them. */
export interface FeatureStatisticsDelta {
  readonly kind: 'feature_statistics';
  /** What they are of, in the words of the editor that keeps them. */
  readonly of: string;
  readonly count: number;
  /** `[n]` */
  readonly mean: Float32Array;
  /** Σ (x - mean)², `[n]`. */
  readonly squares: Float32Array;
}

const headSchema = z.strictObject({ of: z.string().min(1), count: z.coerce.number().int().min(1) });

/** Those of all vectors behind two (Chan, Golub and LeVeque 1979). */
function merged(a: FeatureStatisticsDelta, b: FeatureStatisticsDelta): FeatureStatisticsDelta {
  if (a.mean.length !== b.mean.length)
    malformed(b.of, `features of ${b.mean.length} elements do not add up with features of ${a.mean.length}`);
  const count = a.count + b.count;
  const share = b.count / count;
  const mean = a.mean.map((x, i) => x + share * (b.mean[i]! - x));
  const squares = a.squares.map((x, i) => x + b.squares[i]! + a.count * share * (b.mean[i]! - a.mean[i]!) ** 2);
  return { ...b, count, mean, squares };
}

const tensorsOf = ({ mean, squares }: FeatureStatisticsDelta) => ({
  mean: { shape: [mean.length], data: mean },
  squares: { shape: [squares.length], data: squares },
});

const memory: MemoryKind<FeatureStatisticsDelta> = {
  name: 'feature_statistics',
  title: ['a record of features seen', 'records of features seen'],
  hash: ({ of, count, mean, squares }, update) => {
    update(`feature_statistics ${of} ${count}\0`);
    update(mean);
    update(squares);
  },
  rows: ({ count, mean, squares }) => [JSON.stringify({ count, mean: [...mean], squares: [...squares] })],
  snapshot: {
    field: 'feature_statistics',
    encode: ({ kind: _, ...statistics }) => {
      const { of, count } = statistics;
      const parts = Object.entries(tensorsOf({ kind: 'feature_statistics', ...statistics }));
      return {
        entry: { of, count },
        tensors: Object.fromEntries(parts.map(([part, tensor]) => [`${of}:${part}`, tensor])),
      };
    },
    decode: (entry, read) => {
      const { of, count } = headSchema.parse(entry);
      const [mean, squares] = [read(`${of}:mean`).data, read(`${of}:squares`).data];
      return { kind: 'feature_statistics', of, count, mean, squares };
    },
  },
  answers: false,
  reading: () => null,
};

export const featureStatistics: DeltaKind<FeatureStatisticsDelta, FeatureStatisticsDelta> = {
  memory,
  encode: (delta) => ({ metadata: { of: delta.of, count: `${delta.count}` }, tensors: tensorsOf(delta) }),
  decode: (file, metadata) => {
    const { of, count } = parseMetadata(headSchema, metadata, file.where);
    for (const part of ['mean', 'squares']) shapeOf(file, part, 1);
    return { kind: 'feature_statistics', of, count, mean: file.read('mean'), squares: file.read('squares') };
  },
  checkSizes: ({ of, count, mean, squares }) => {
    if (!(Number.isInteger(count) && count > 0) || mean.length === 0 || mean.length !== squares.length)
      malformed(of, `a count of ${count}, ${mean.length} means and ${squares.length} squares are no statistics`);
  },
  // Whether the model has what they are of is for the editor to say that reads them.
  checkFit: () => {},
  effect: (delta) => ({
    on: 'memory',
    place: delta.of,
    change: (before) => (before === undefined ? delta : merged(before, delta)),
  }),
};
