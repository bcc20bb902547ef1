// How two versions differ: norm and rank of the change of every parameter, and the rows of memories that came and went.

import { findMatrix } from '../architectures/spec.ts';
import type { View } from '../running/view.ts';
import { type Memory, type MemoryPlace, memoryKindOf, placeOf } from './index.ts';

/** The change of one parameter. */
export interface TensorDifference {
  readonly tensor: string;
  readonly shape: readonly number[];
  /** Frobenius norm of the change. */
  readonly norm: number;
  /** The same against the norm of the first version's parameter; null when that is zero. */
  readonly relative: number | null;
  /** The largest change of an element. */
  readonly largest: number;
  /**
   * Numerical rank of the change of a linear map: directions that carry more than rounding the weights to float32 can account for.
   * Null for parameters that are no maps.
   */
  readonly rank: { readonly value: number; readonly atLeast: boolean } | null;
}

/** The change of one memory; rows are told apart by all they hold. */
export interface MemoryDifference extends MemoryPlace {
  readonly added: number;
  readonly removed: number;
  readonly kept: number;
}

export interface VersionDifference {
  /** Parameters that differ, largest relative change first. */
  readonly tensors: readonly TensorDifference[];
  /** Memories that differ. */
  readonly memories: readonly MemoryDifference[];
}

export interface DifferenceOptions {
  /** Deltas that lie between the two: each was added to weights that were then rounded. At least 1. */
  readonly steps?: number;
  /** Directions counted at most. Each takes a pass over the matrix. */
  readonly mostRank?: number;
  readonly signal?: AbortSignal;
}

const defaultMostRank = 256;

/** What changed from one version of a model to another. */
export function compareVersions(from: View, to: View, options: DifferenceOptions = {}): VersionDifference {
  const names = new Set([...from.state().weights.keys(), ...to.state().weights.keys()]);
  const tensors: TensorDifference[] = [];
  for (const name of names) {
    options.signal?.throwIfAborted();
    const difference = compareTensor(from, to, name, options);
    if (difference !== null) tensors.push(difference);
  }
  tensors.sort((a, b) => (b.relative ?? Infinity) - (a.relative ?? Infinity));
  return { tensors, memories: compareMemories(from.memories, to.memories) };
}

function compareTensor(
  from: View,
  to: View,
  tensor: string,
  { steps = 1, mostRank = defaultMostRank }: DifferenceOptions,
): TensorDifference | null {
  const [before, after] = [from.weight(tensor), to.weight(tensor)];
  if (before === after) return null;
  const change = new Float32Array(before.length);
  let [squares, beforeSquares, afterSquares, largest] = [0, 0, 0, 0];
  for (let i = 0; i < before.length; i++) {
    const difference = after[i]! - before[i]!;
    change[i] = difference;
    squares += difference * difference;
    beforeSquares += before[i]! * before[i]!;
    afterSquares += after[i]! * after[i]!;
    largest = Math.max(largest, Math.abs(difference));
  }
  if (squares === 0) return null;
  const matrix = findMatrix(from.spec, tensor);
  // A sum that is rounded to 24 bits is off by half a unit in the last place at most, and such errors add up like a random walk.
  const noise = 2 ** -23 * Math.sqrt(Math.max(1, steps)) * Math.sqrt(Math.max(beforeSquares, afterSquares));
  const shape = from.spec.parameters.get(tensor)!;
  return {
    tensor,
    shape,
    norm: Math.sqrt(squares),
    relative: beforeSquares === 0 ? null : Math.sqrt(squares / beforeSquares),
    largest,
    rank: matrix === undefined ? null : numericalRank(change, shape[0]!, shape[1]!, noise, mostRank),
  };
}

/**
 * Rank of a matrix `[rows, columns]`, which is overwritten: Gram-Schmidt with pivoting (the row with the most left of it is the next
 * direction, and its part is taken out of every row) until no more than `noise` is left in Frobenius norm.
 */
export function numericalRank(
  matrix: Float32Array,
  rows: number,
  columns: number,
  noise: number,
  most: number,
): { readonly value: number; readonly atLeast: boolean } {
  const full = Math.min(rows, columns);
  const rowOf = (i: number) => matrix.subarray(i * columns, (i + 1) * columns);
  const squaresOf = (row: Float32Array) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += row[j]! * row[j]!;
    return sum;
  };
  const left = Float64Array.from({ length: rows }, (_, i) => squaresOf(rowOf(i)));
  const direction = new Float64Array(columns);
  for (let rank = 0; ; rank++) {
    let pivot = 0;
    let total = 0;
    for (let i = 0; i < rows; i++) {
      total += left[i]!;
      if (left[i]! > left[pivot]!) pivot = i;
    }
    if (Math.sqrt(total) <= noise || rank === full) return { value: rank, atLeast: false };
    if (rank === most) return { value: rank, atLeast: true };
    const scale = 1 / Math.sqrt(left[pivot]!);
    const source = rowOf(pivot);
    for (let j = 0; j < columns; j++) direction[j] = source[j]! * scale;
    for (let i = 0; i < rows; i++) {
      if (left[i] === 0) continue;
      const row = rowOf(i);
      let dot = 0;
      for (let j = 0; j < columns; j++) dot += row[j]! * direction[j]!;
      let squares = 0;
      for (let j = 0; j < columns; j++) {
        const rest = row[j]! - dot * direction[j]!;
        row[j] = rest;
        squares += rest * rest;
      }
      left[i] = squares;
    }
    left[pivot] = 0;
  }
}

function compareMemories(
  before: ReadonlyMap<string, Memory>,
  after: ReadonlyMap<string, Memory>,
): readonly MemoryDifference[] {
  return [...new Map([...before, ...after])].flatMap(([key, memory]) => {
    const [old, now] = [rowsOf(before.get(key)), rowsOf(after.get(key))];
    let kept = 0;
    for (const [row, count] of now) kept += Math.min(count, old.get(row) ?? 0);
    const size = (rows: ReadonlyMap<string, number>) => [...rows.values()].reduce((sum, count) => sum + count, 0);
    const [added, removed] = [size(now) - kept, size(old) - kept];
    return added + removed === 0 ? [] : [{ ...placeOf(memory)!, added, removed, kept }];
  });
}

/** The rows of a memory by all they hold, with how many there are of each. */
function rowsOf(memory: Memory | undefined): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  if (memory === undefined) return rows;
  for (const row of memoryKindOf(memory).rows(memory)) rows.set(row, (rows.get(row) ?? 0) + 1);
  return rows;
}
