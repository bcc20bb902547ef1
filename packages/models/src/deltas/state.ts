// The state of a version: the weights that its deltas change, and its memories. Installing deltas makes one of another.

import { type DecoderSpec, findMatrix } from '../architectures/spec.ts';
import {
  checkDelta,
  type Delta,
  deltaBytes,
  effectOf,
  type Memory,
  type MemoryPlace,
  memoryKindOf,
  placeOf,
} from './index.ts';
import type { Effect, MemoryKind } from './kind.ts';

/** Whole parameters in place of the base's, and memories. Not to be changed: views share the arrays. */
export interface VersionState {
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** By kind and place, in the order of those. */
  readonly memories: ReadonlyMap<string, Memory>;
}

/** The state of the base. */
const baseState: VersionState = { weights: new Map(), memories: new Map() };

const keyOf = ({ kind, place }: MemoryPlace) => `${kind} ${place}`;

/** A memory of a state; undefined where it has none of that kind at that place. */
export const memoryAt = <Kind extends Memory['kind']>(
  memories: ReadonlyMap<string, Memory>,
  kind: Kind,
  place: string,
): Extract<Memory, { kind: Kind }> | undefined =>
  memories.get(keyOf({ kind, place })) as Extract<Memory, { kind: Kind }> | undefined;

const inOrder = (memories: ReadonlyMap<string, Memory>): ReadonlyMap<string, Memory> =>
  new Map([...memories].sort(([a], [b]) => (a < b ? -1 : 1)));

/** Memories as a state has them. */
export const memoriesOf = (memories: readonly Memory[]): ReadonlyMap<string, Memory> =>
  inOrder(new Map(memories.map((memory) => [keyOf(placeOf(memory)!), memory])));

/** What a version has that its answers depend on and a checkpoint cannot hold, as words: `a codebook`. Null where there is nothing. */
export function besideWeights({ memories }: Pick<VersionState, 'memories'>): string | null {
  const counts = new Map<MemoryKind<Memory>, number>();
  for (const kind of [...memories.values()].map(memoryKindOf))
    if (kind.answers) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const said = [...counts].map(
    ([
      {
        title: [one, several],
      },
      count,
    ]) => (count === 1 ? one : `${count} ${several}`),
  );
  return said.length === 0 ? null : said.join(' and ');
}

type OnWeight = Extract<Effect<Memory>, { on: 'weight' }>;

/**
 * Adds deltas to one parameter in place, in order. Each element's sum over a delta's rank runs in float64 in a fixed order and is
 * rounded once, so that the result is the same bytes on every machine. The loop over rows is the outer one: elements do not touch
 * each other, so the order of what is added to each stays, and a row is read once for all deltas instead of once for each.
 */
function install(spec: DecoderSpec, deltas: readonly OnWeight[], weight: Float32Array): void {
  const matrix = findMatrix(spec, deltas[0]!.tensor);
  const straight = matrix?.orientation === 'in_out';
  const rows = matrix === undefined ? 1 : straight ? matrix.inSize : matrix.outSize;
  const columns = weight.length / rows;
  const addends = deltas.map((delta) => delta.addend(matrix, rows));
  const sums = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    const row = weight.subarray(i * columns, (i + 1) * columns);
    for (const addend of addends) {
      if (addend instanceof Float32Array) {
        for (let j = 0, k = i * columns; j < columns; j++, k++) row[j]! += addend[k]!;
        continue;
      }
      const { rank, a, b } = addend;
      sums.fill(0);
      for (let r = 0; r < rank; r++) {
        const scale = a[i * rank + r]!;
        const from = r * columns;
        for (let j = 0; j < columns; j++) sums[j]! += scale * b[from + j]!;
      }
      for (let j = 0; j < columns; j++) row[j]! += sums[j]!;
    }
  }
}

/**
 * W = W0 + Σ deltas in order, in float32, on fresh copies. Because each delta is added to an already rounded sum, installing
 * further deltas on a parent's weights gives the same bytes as installing all of them on the base.
 * @param base W0 by name
 * @throws ModelError delta_misfit, delta_malformed
 */
export function installDeltas(
  spec: DecoderSpec,
  base: (name: string) => Float32Array,
  deltas: readonly Delta[],
  parent: VersionState = baseState,
): VersionState {
  const memories = new Map(parent.memories);
  const byTensor = new Map<string, OnWeight[]>();
  for (const delta of deltas) {
    checkDelta(spec, delta);
    const effect = effectOf(delta);
    if (effect.on === 'memory') {
      const key = keyOf(placeOf(delta)!);
      memories.set(key, effect.change(memories.get(key)));
      continue;
    }
    const known = byTensor.get(effect.tensor);
    if (known === undefined) byTensor.set(effect.tensor, [effect]);
    else known.push(effect);
  }
  const weights = new Map(parent.weights);
  for (const [tensor, own] of byTensor) {
    const weight = (weights.get(tensor) ?? base(tensor)).slice();
    install(spec, own, weight);
    weights.set(tensor, weight);
  }
  return { weights, memories: inOrder(memories) };
}

/** Checks that a state fits a model, and returns it. @throws ModelError delta_misfit, delta_malformed */
export function checkState(spec: DecoderSpec, state: VersionState): VersionState {
  for (const [tensor, data] of state.weights) checkDelta(spec, { kind: 'dense', tensor, data });
  for (const memory of state.memories.values()) checkDelta(spec, memory);
  return state;
}

/** Bytes of a state's arrays and texts. */
export function stateBytes({ weights, memories }: VersionState): number {
  const sizes = [
    ...[...weights.values()].map(({ byteLength }) => byteLength),
    ...[...memories.values()].map(deltaBytes),
  ];
  return sizes.reduce((sum, size) => sum + size, 0);
}
