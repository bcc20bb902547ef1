// Deltas: what an edit leaves behind, and how it is stored. The table of kinds is here.

import { createHash } from 'node:crypto';
import type { DecoderSpec } from '../architectures/spec.ts';
import { encodeSafetensors, parseSafetensors } from '../files/safetensors.ts';
import { alignedRows } from './aligned-rows/index.ts';
import { codebook, codebookRows } from './codebook/index.ts';
import { dense } from './dense.ts';
import { editedKeys } from './edited-keys.ts';
import { embeddedRows } from './embedded-rows/index.ts';
import { featureStatistics } from './feature-statistics.ts';
import { type DeltaKind, type Effect, type MemoryKind, malformed } from './kind.ts';
import { loraBlock, loraBlocks } from './lora-blocks/index.ts';
import { lowRank } from './low-rank.ts';
import { neurons } from './neurons.ts';
import { patchRows } from './patch-rows/index.ts';
import { promptRows } from './prompt-rows/index.ts';
import { scopedRows } from './scoped-rows/index.ts';
import { sideChange, sideMemories } from './side-memory/index.ts';
import { textRows } from './text-rows/index.ts';

const table = {
  low_rank: lowRank,
  dense,
  neurons,
  codebook,
  codebook_rows: codebookRows,
  lora_blocks: loraBlocks,
  lora_block: loraBlock,
  side_memory: sideMemories,
  side_change: sideChange,
  text_rows: textRows,
  aligned_rows: alignedRows,
  embedded_rows: embeddedRows,
  prompt_rows: promptRows,
  scoped_rows: scopedRows,
  patch_rows: patchRows,
  edited_keys: editedKeys,
  feature_statistics: featureStatistics,
};

type Table = typeof table;

/** Any delta. */
export type Delta = {
  [Name in keyof Table]: Table[Name] extends DeltaKind<infer D, infer _> ? D : never;
}[keyof Table];

/** Any memory. */
export type Memory = {
  [Name in keyof Table]: Table[Name] extends DeltaKind<infer _, infer M> ? M : never;
}[keyof Table];

export interface MemoryPlace {
  readonly kind: string;
  readonly place: string;
}

const kinds: Readonly<Record<Delta['kind'], DeltaKind<Delta, Memory>>> = table;

const kindOf = ({ kind }: Delta): DeltaKind<Delta, Memory> => kinds[kind];

/** The kinds of memory. */
export const memoryKinds: readonly MemoryKind<Memory>[] = [
  ...new Set(Object.values(kinds).flatMap(({ memory }) => (memory === undefined ? [] : [memory]))),
];

/** The kind of a memory. */
export const memoryKindOf = (memory: Memory): MemoryKind<Memory> => kindOf(memory).memory!;

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

/** Which memory a delta changes, or is: a version has one of a kind at a place. Null for kinds that change none. */
export function placeOf(delta: Delta): MemoryPlace | null {
  const { memory, effect } = kindOf(delta);
  const found = effect(delta);
  return found.on === 'memory' ? { kind: memory!.name, place: found.place } : null;
}

export const effectOf = (delta: Delta): Effect<Memory> => kindOf(delta).effect(delta);

/** What deltas of a kind leave beside the weights that answers depend on, in words: `a codebook`. Null where a checkpoint can do without. */
export function leftBeside(kind: string): string | null {
  if (!Object.hasOwn(kinds, kind)) throw new RangeError(`there is no delta of kind ${JSON.stringify(kind)}`);
  const { memory } = kinds[kind as Delta['kind']];
  return memory?.answers ? memory.title[0] : null;
}

/** The memory that a delta makes where there was none before it; null for kinds that change no memory. */
export function memoryOf(delta: Delta): Memory | null {
  const effect = effectOf(delta);
  return effect.on === 'memory' ? effect.change(undefined) : null;
}

/** Names of the rows that a delta brings, as `Spoken` has them; none for kinds that change no memory. */
export function rowNamesOf(delta: Delta): readonly string[] {
  const memory = memoryOf(delta);
  if (memory === null) return [];
  const kind = memoryKindOf(memory);
  return kind.rowNames?.(memory) ?? kind.rows(memory);
}

/** The parameter that a delta adds to and the squared Frobenius norm of what it adds; null for kinds that add to none. */
export function addedToWeight(delta: Delta): { readonly tensor: string; readonly squaredNorm: number } | null {
  const effect = effectOf(delta);
  return effect.on === 'weight' ? { tensor: effect.tensor, squaredNorm: effect.squaredNorm() } : null;
}

/** Bytes of a delta's arrays and texts. */
export function deltaBytes(delta: Delta): number {
  const { metadata, tensors } = kindOf(delta).encode(delta);
  const sizes = [
    ...Object.values(metadata).map((text) => Buffer.byteLength(text)),
    ...Object.values(tensors).map(({ data }) => data.byteLength),
  ];
  return sizes.reduce((sum, size) => sum + size, 0);
}
