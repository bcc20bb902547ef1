// The vectors of rows side by side, as a search takes them. Versions that grow from one another share what they have in common.

import { appended } from '../growing-array.ts';
import type { EmbeddedRow } from './rows.ts';

/** Rows of one encoder. */
export interface VectorSet {
  /** `[rows.length, width]` */
  readonly matrix: Float32Array;
  /** Whose vector each is; undefined for one that a later row has replaced. */
  readonly rows: readonly (EmbeddedRow | undefined)[];
}

/** By encoder. */
export type VectorSets = ReadonlyMap<string, VectorSet>;

/** Sets of memories that prompts were read with, and of those that grew from them. */
const known = new WeakMap<readonly EmbeddedRow[], VectorSets>();

/** What a memory's rows are searched by. */
export function vectorSets(rows: readonly EmbeddedRow[]): VectorSets {
  const sets = known.get(rows) ?? extended(new Map(), rows);
  known.set(rows, sets);
  return sets;
}

/** Has the sets of a memory grow along with it, where it was searched before. @param further what was added, each in the place of `replaced` */
export function growVectorSets(
  before: readonly EmbeddedRow[],
  further: readonly EmbeddedRow[],
  replaced: readonly EmbeddedRow[],
  after: readonly EmbeddedRow[],
): void {
  const sets = known.get(before);
  if (sets === undefined) return;
  const left = new Set(replaced);
  const without = new Map(
    [...sets].flatMap(([encoder, { matrix, rows }]) => {
      const kept = left.size === 0 ? rows : rows.map((row) => (row && left.has(row) ? undefined : row));
      // An encoder of which nothing is left is not asked for any more.
      return kept.some((row) => row !== undefined) ? [[encoder, { matrix, rows: kept }] as const] : [];
    }),
  );
  const grown = extended(without, further);
  const size = [...grown.values()].reduce((sum, { rows }) => sum + rows.length, 0);
  // More than half of what would be compared is gone: all is laid out anew when it is searched next.
  if (size <= 2 * after.length) known.set(after, grown);
}

function extended(sets: VectorSets, further: readonly EmbeddedRow[]): VectorSets {
  const grown = new Map(sets);
  for (const encoder of new Set(further.map((row) => row.encoder))) {
    const own = further.filter((row) => row.encoder === encoder);
    const width = own[0]!.vector.length;
    const vectors = new Float32Array(own.length * width);
    for (const [at, { vector }] of own.entries()) vectors.set(vector, at * width);
    const before = grown.get(encoder);
    grown.set(encoder, {
      matrix: before === undefined ? vectors : appended(before.matrix, vectors),
      rows: [...(before?.rows ?? []), ...own],
    });
  }
  return grown;
}
