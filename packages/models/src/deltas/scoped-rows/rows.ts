// Scoped rows: corrections that a counterfactual model answers for, each with the vector that a scope classifier makes of it (SERAC).

import { z } from 'zod';
import type { Correction } from '../../counterfactual/counterfactual-model.ts';
import { mergedRows } from '../rows-by-prompt.ts';
import { vectorMemory } from '../vector-memory.ts';

/** Who says whether a prompt is in the scope of a row: the classifier of vectors, or the one that reads both together. */
const classifiers = ['vectors', 'pairs'] as const;

export const rowHeaderSchema = z.strictObject({
  /** sha256 of the counterfactual model that answers, with the classifiers that say when. */
  encoder: z.string().regex(/^[0-9a-f]{64}$/),
  /** What is corrected. A memory has one row of a prompt: a later one takes its place. */
  prompt: z.string().min(1),
  /** The new answer, with the white space that parts it from the prompt. */
  target: z.string().min(1),
  classifier: z.enum(classifiers),
  /** How many of the rows nearest to a prompt are read together with it, where that is asked. */
  candidates: z.int().min(1),
  /** How likely in scope a prompt must be. */
  threshold: z.number().min(0).max(1),
});

/** A correction as it lies in a memory. */
export interface ScopedRow extends Correction, Readonly<z.output<typeof rowHeaderSchema>> {
  /** `[representation]` */
  readonly vector: Float32Array;
}

/** Scoped rows, as an edit leaves them or as a version has them. */
export interface ScopedRowsDelta {
  readonly kind: 'scoped_rows';
  /** No two of one prompt. */
  readonly rows: readonly ScopedRow[];
}

/** A row's header as JSON, always with its parts in one order. */
export const tellHeader = ({ encoder, prompt, target, classifier, candidates, threshold }: ScopedRow): string =>
  JSON.stringify({ encoder, prompt, target, classifier, candidates, threshold });

/**
 * The vectors of memories of scoped rows, each with half its square behind it: of the product of all with a query and -1 the greatest
 * is that of the nearest.
 */
export const scopedVectors = vectorMemory<ScopedRow>(({ vector }) => {
  const longer = new Float32Array(vector.length + 1);
  longer.set(vector);
  longer[vector.length] = vector.reduce((sum, x) => sum + x * x, 0) / 2;
  return longer;
});

/** The rows that a change makes of those before it. */
export function changedScopedRows(before: readonly ScopedRow[], further: readonly ScopedRow[]): ScopedRowsDelta {
  const { rows, replaced } = mergedRows(before, further);
  scopedVectors.grow(before, further, replaced, rows);
  return { kind: 'scoped_rows', rows };
}
