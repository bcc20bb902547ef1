// The vectors of rows side by side, as a search takes them, and products with all of them at once. Versions that grow from one another share what they have in common.

import { compile, float32, float32Data, gemm, input, type Program } from '@errata/graph';
import { appended } from './growing-array.ts';

/** Rows of one encoder. */
export interface VectorSet<Row> {
  /** `[rows.length, width]` */
  readonly matrix: Float32Array;
  /** Whose vector each is; undefined for one that a later row has replaced. */
  readonly rows: readonly (Row | undefined)[];
  /** No vector is longer. */
  readonly longest: number;
}

/** By encoder. */
type VectorSets<Row> = ReadonlyMap<string, VectorSet<Row>>;

/** What the rows of memories of one kind are searched by. */
export function vectorMemory<Row extends { readonly encoder: string }>(vectorOf: (row: Row) => Float32Array) {
  /** Sets of memories that prompts were read with, and of those that grew from them. */
  const known = new WeakMap<readonly Row[], VectorSets<Row>>();

  function extended(sets: VectorSets<Row>, further: readonly Row[]): VectorSets<Row> {
    const grown = new Map(sets);
    for (const encoder of new Set(further.map((row) => row.encoder))) {
      const own = further.filter((row) => row.encoder === encoder);
      const width = vectorOf(own[0]!).length;
      const vectors = new Float32Array(own.length * width);
      const before = grown.get(encoder);
      let longest = before?.longest ?? 0;
      for (const [at, row] of own.entries()) {
        const vector = vectorOf(row);
        vectors.set(vector, at * width);
        longest = Math.max(longest, lengthOf(vector));
      }
      grown.set(encoder, {
        matrix: before === undefined ? vectors : appended(before.matrix, vectors),
        rows: before === undefined ? own : before.rows.concat(own),
        longest,
      });
    }
    return grown;
  }

  return {
    /** The sets of a memory's rows. */
    sets(rows: readonly Row[]): VectorSets<Row> {
      const sets = known.get(rows) ?? extended(new Map(), rows);
      known.set(rows, sets);
      return sets;
    },

    /** Has the sets of a memory grow along with it, where it was searched before. @param further what was added, each in the place of `replaced` */
    grow(before: readonly Row[], further: readonly Row[], replaced: readonly Row[], after: readonly Row[]): void {
      const sets = known.get(before);
      if (sets === undefined) return;
      const left = new Set(replaced);
      const without = new Map(
        [...sets].flatMap(([encoder, { rows, ...set }]) => {
          const kept = left.size === 0 ? rows : rows.map((row) => (row && left.has(row) ? undefined : row));
          // An encoder of which nothing is left is not asked for any more.
          return kept.some((row) => row !== undefined) ? [[encoder, { ...set, rows: kept }] as const] : [];
        }),
      );
      const grown = extended(without, further);
      const size = [...grown.values()].reduce((sum, { rows }) => sum + rows.length, 0);
      // More than half of what would be compared is gone: all is laid out anew when it is searched next.
      if (size <= 2 * after.length) known.set(after, grown);
    },
  };
}

const programs = new Map<number, Promise<Program<'scores'>>>();

/** All rows times one query of this width. */
function productOf(width: number): Promise<Program<'scores'>> {
  const known = programs.get(width);
  if (known !== undefined) return known;
  const [keys, query] = [input('keys', 'float32', ['n', width]), input('query', 'float32', [1, width])];
  const made = compile({ scores: gemm(query, keys, { transB: true }) });
  programs.set(width, made);
  return made;
}

/** The products of a query with every vector of a set, `[rows.length]`, in float32: they tell what is worth looking at exactly. */
export async function roughProducts<Row>({ matrix, rows }: VectorSet<Row>, query: Float32Array): Promise<Float32Array> {
  const width = query.length;
  const { run } = await productOf(width);
  const feeds = { keys: float32([rows.length, width], matrix), query: float32([1, width], query) };
  return float32Data((await run(feeds)).scores);
}

/**
 * The rows whose products with a query may be among so many greatest ones, and perhaps others. A product in float32 is off by n units in the
 * last place of the vectors' lengths at most (Higham 2002, section 3.1).
 */
export async function promisingRows<Row>(
  set: VectorSet<Row>,
  query: Float32Array,
  count: number,
): Promise<readonly Row[]> {
  const { rows, longest } = set;
  const rough = await roughProducts(set, query);
  // Ascending, as soon as there are so many.
  const best = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  for (let at = 0; at < rough.length; at++) {
    const product = rough[at]!;
    if (product <= best[0]! || rows[at] === undefined) continue;
    let place = 0;
    for (; place + 1 < count && best[place + 1]! < product; place++) best[place] = best[place + 1]!;
    best[place] = product;
  }
  const least = best[0]! - 2 * query.length * 2 ** -24 * lengthOf(query) * longest;
  const found: Row[] = [];
  for (let at = 0; at < rough.length; at++) {
    if (rough[at]! < least) continue;
    const row = rows[at];
    if (row !== undefined) found.push(row);
  }
  return found;
}

const lengthOf = (vector: Float32Array): number => Math.sqrt(exactProduct(vector, vector));

/** The product of two vectors, summed in float64. */
export function exactProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
