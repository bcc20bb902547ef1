// Matrices most of whose elements are zero, as their other elements: what side matrices are stored as, added up and merged in.

import { sameBytes } from '../growing-array.ts';

/** Elements at some places of a matrix, row-major, in ascending order; the others are zero. */
export interface Sparse {
  /** How far each place is from the one before it, the first from the matrix's first: whole numbers. */
  readonly gaps: Float32Array;
  readonly values: Float32Array;
}

/** @returns the places of elements, ascending */
export function placesOf({ gaps }: Pick<Sparse, 'gaps'>): Float64Array {
  const places = new Float64Array(gaps.length);
  let at = 0;
  for (const [i, gap] of gaps.entries()) {
    at += gap;
    places[i] = at;
  }
  return places;
}

/** @param places ascending */
export const gapsBetween = (places: ArrayLike<number>): Float32Array =>
  Float32Array.from(places, (place, i) => (i === 0 ? place : place - places[i - 1]!));

/** Whether gaps name places of a matrix of so many elements, each once. */
export function areGaps(gaps: Float32Array, size: number): boolean {
  let at = 0;
  for (const [i, gap] of gaps.entries()) {
    if (!Number.isInteger(gap) || gap < (i === 0 ? 0 : 1)) return false;
    at += gap;
  }
  return at < size;
}

/** The whole matrix. */
export function denseOf(sparse: Sparse, size: number): Float32Array {
  const dense = new Float32Array(size);
  for (const [i, place] of placesOf(sparse).entries()) dense[place] = sparse.values[i]!;
  return dense;
}

/** a + b. */
export function sumOf(a: Sparse, b: Sparse): Sparse {
  if (sameBytes(a.gaps, b.gaps)) return { gaps: a.gaps, values: a.values.map((value, i) => value + b.values[i]!) };
  const sums = new Map<number, number>();
  for (const one of [a, b])
    for (const [i, place] of placesOf(one).entries())
      sums.set(place, Math.fround((sums.get(place) ?? 0) + one.values[i]!));
  const places = [...sums.keys()].sort((x, y) => x - y);
  return { gaps: gapsBetween(places), values: Float32Array.from(places, (place) => sums.get(place)!) };
}

/**
 * Merges by TIES (Yadav et al. 2023): of each matrix the share `density` of all its elements that is largest stays; at each place the
 * sign that has more in sum is chosen, and the elements of that sign are averaged.
 */
export function mergeByTies(matrices: readonly Sparse[], size: number, density: number): Sparse {
  const kept = matrices.map((matrix) => largest(matrix, Math.floor(density * size)));
  const sums = new Map<number, number>();
  for (const [place, value] of kept.flat()) sums.set(place, (sums.get(place) ?? 0) + value);
  const merged = new Map<number, { sum: number; count: number }>();
  for (const [place, value] of kept.flat()) {
    if (value === 0 || value > 0 !== sums.get(place)! >= 0) continue;
    const { sum, count } = merged.get(place) ?? { sum: 0, count: 0 };
    merged.set(place, { sum: sum + value, count: count + 1 });
  }
  const places = [...merged.keys()].sort((x, y) => x - y);
  const mean = (place: number) => merged.get(place)!.sum / merged.get(place)!.count;
  return { gaps: gapsBetween(places), values: Float32Array.from(places, mean) };
}

/** Its `count` largest elements by magnitude, the first of equals, with their places. */
function largest(matrix: Sparse, count: number): readonly (readonly [place: number, value: number])[] {
  const places = placesOf(matrix);
  const elements = [...matrix.values.entries()].map(([i, value]) => [places[i]!, value] as const);
  if (elements.length <= count) return elements;
  return elements.sort(([p, a], [q, b]) => Math.abs(b) - Math.abs(a) || p - q).slice(0, count);
}
