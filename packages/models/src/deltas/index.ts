// Deltas: what an edit leaves behind, how it is stored, and how it is installed on the base weights. The table of kinds is here.

import { createHash } from 'node:crypto';
import { type DecoderSpec, findMatrix } from '../architectures/spec.ts';
import { encodeSafetensors, parseSafetensors } from '../files/safetensors.ts';
import { codebook, codebookRows } from './codebook.ts';
import { type CodebookDelta, type CodebookRowsDelta, placeName } from './codebooks.ts';
import { type DenseDelta, dense } from './dense.ts';
import { type DeltaKind, type Effect, malformed } from './kind.ts';
import { type LowRankDelta, lowRank } from './low-rank.ts';

/** Any delta. */
export type Delta = LowRankDelta | DenseDelta | CodebookDelta | CodebookRowsDelta;

const kinds: Readonly<Record<Delta['kind'], DeltaKind<Delta>>> = {
  low_rank: lowRank,
  dense,
  codebook,
  codebook_rows: codebookRows,
};

const kindOf = ({ kind }: Delta): DeltaKind<Delta> => kinds[kind];

const format = 'errata-delta/1';

/**
 * A delta as safetensors bytes. Equal deltas give equal bytes, so a digest of them is the delta's identity.
 * @throws ModelError delta_malformed, safetensors_non_finite
 */
export function encodeDelta(delta: Delta): Uint8Array<ArrayBuffer> {
  const kind = kindOf(delta);
  kind.checkSizes(delta);
  const { metadata, tensors } = kind.encode(delta);
  return encodeSafetensors(new Map(Object.entries(tensors)), {
    metadata: { format, kind: delta.kind, ...metadata },
    where: 'delta',
  });
}

/**
 * Reads {@link encodeDelta}'s bytes; nothing about them is trusted.
 * @throws ModelError delta_malformed, safetensors_*
 */
export function decodeDelta(bytes: Uint8Array, where = 'delta'): Delta {
  const file = parseSafetensors(bytes, where);
  const { format: written, kind: name = '', ...metadata } = Object.fromEntries(file.metadata);
  if (written !== format) return malformed(where, `metadata: format is not ${format}`);
  if (!Object.hasOwn(kinds, name))
    return malformed(where, `metadata: kind is none of ${Object.keys(kinds).join(', ')}`);
  const delta = kinds[name as Delta['kind']].decode(file, metadata);
  kindOf(delta).checkSizes(delta);
  return delta;
}

/** sha256 (hex) of a delta's bytes: its content address. */
export function deltaDigest(delta: Delta): string {
  return createHash('sha256').update(encodeDelta(delta)).digest('hex');
}

/** Checks that a delta fits a model. @throws ModelError delta_misfit, delta_malformed */
export function checkDelta(spec: DecoderSpec, delta: Delta): void {
  kindOf(delta).checkSizes(delta);
  kindOf(delta).checkFit(spec, delta);
}

type OnWeight = Extract<Effect, { on: 'weight' }>;

/** The memory that a delta makes where there was none before it; null for kinds that change no memory. */
export function memoryOf(delta: Delta): CodebookDelta | null {
  const effect = kindOf(delta).effect(delta);
  return effect.on === 'memory' ? effect.change(undefined) : null;
}

/** Bytes of a state's arrays. */
export const stateBytes = ({ weights, codebooks }: Installed): number =>
  [...weights.values(), ...codebooks.flatMap(({ keys, values, radii }) => [keys, values, radii])].reduce(
    (sum, { byteLength }) => sum + byteLength,
    0,
  );

/** The parameter that a delta adds to and the squared Frobenius norm of what it adds; null for kinds that add to none. */
export function addedToWeight(delta: Delta): { readonly tensor: string; readonly squaredNorm: number } | null {
  const effect = kindOf(delta).effect(delta);
  return effect.on === 'weight' ? { tensor: effect.tensor, squaredNorm: effect.squaredNorm() } : null;
}

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

/** The weights that deltas change, and the codebooks that act, on top of those of a parent. */
export interface Installed {
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** In the order of `site layer`. */
  readonly codebooks: readonly CodebookDelta[];
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
  parent: Installed = { weights: new Map(), codebooks: [] },
): Installed {
  const codebooks = new Map(parent.codebooks.map((book) => [placeName(book), book]));
  const byTensor = new Map<string, OnWeight[]>();
  for (const delta of deltas) {
    checkDelta(spec, delta);
    const effect = kindOf(delta).effect(delta);
    if (effect.on === 'memory') {
      codebooks.set(effect.place, effect.change(codebooks.get(effect.place)));
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
  return {
    weights,
    codebooks: [...codebooks].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, book]) => book),
  };
}

/** Checks that a state fits a model, and returns it. @throws ModelError delta_misfit, delta_malformed */
export function checkState(spec: DecoderSpec, state: Installed): Installed {
  for (const [tensor, data] of state.weights) checkDelta(spec, { kind: 'dense', tensor, data });
  for (const book of state.codebooks) checkDelta(spec, book);
  return state;
}
