// Patch rows: corrections, each with the vector that a knowledge encoder makes of it and the patch that answers its prompts (RASE).

import { z } from 'zod';
import { mergedRows } from '../rows-by-prompt.ts';
import { vectorMemory } from '../vector-memory.ts';
import { type PatchDelta, partSchema, unpackPatch } from './patch.ts';

export const rowHeaderSchema = z.strictObject({
  /** sha256 of the knowledge encoder that read the correction, and reads the prompts that may ask for it. */
  encoder: z.string().regex(/^[0-9a-f]{64}$/),
  /** What is corrected. A memory has one row of a prompt: a later one takes its place. */
  prompt: z.string().min(1),
  /** The correction as a statement. */
  text: z.string().min(1),
  /** The cosine that a prompt must exceed for the patch to speak; or else its lead must exceed `lead` and the spread `spread`. */
  threshold: z.number().min(-1).max(1),
  /** How far the best row's cosine must be ahead of the second's. */
  lead: z.number().min(0).max(2),
  /** Of the cosines of the best `among` rows: their standard deviation. */
  spread: z.number().min(0).max(2),
  among: z.int().min(1),
  /** Of no part where the version says of itself what the correction does. */
  patch: z.array(partSchema).readonly(),
});

/** A correction as it lies in a memory. */
export interface PatchRow extends Readonly<z.output<typeof rowHeaderSchema>> {
  /** Of length 1, `[representation]`. */
  readonly vector: Float32Array;
  /** Of the patch's parts, one after another. */
  readonly numbers: Float32Array;
}

/** Patch rows, as an edit leaves them or as a version has them. */
export interface PatchRowsDelta {
  readonly kind: 'patch_rows';
  /** No two of one prompt. */
  readonly rows: readonly PatchRow[];
}

/** A row's header as JSON, always with its parts in one order. */
export const tellHeader = ({ encoder, prompt, text, threshold, lead, spread, among, patch }: PatchRow): string =>
  JSON.stringify({ encoder, prompt, text, threshold, lead, spread, among, patch });

/** The vectors of memories of patch rows. */
export const patchVectors = vectorMemory<PatchRow>(({ vector }) => vector);

const patches = new WeakMap<PatchRow, readonly PatchDelta[]>();

/** The patch of a row: the same list whenever it is asked for. @throws ModelError delta_malformed */
export function patchOf(row: PatchRow): readonly PatchDelta[] {
  const known = patches.get(row);
  if (known !== undefined) return known;
  const patch = unpackPatch(row.prompt, row.patch, row.numbers);
  patches.set(row, patch);
  return patch;
}

/** The rows that a change makes of those before it. */
export function changedPatchRows(before: readonly PatchRow[], further: readonly PatchRow[]): PatchRowsDelta {
  const { rows, replaced } = mergedRows(before, further);
  patchVectors.grow(before, further, replaced, rows);
  return { kind: 'patch_rows', rows };
}
