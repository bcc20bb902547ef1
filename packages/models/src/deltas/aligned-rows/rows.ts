// Aligned rows: corrections in words, and the change of weights under which the model goes by them (LTE).

import { z } from 'zod';
import { rowSchema as textRowSchema } from '../text-rows/rows.ts';

export const rowSchema = textRowSchema.extend({
  /** sha256 of the change that a prompt with the text before it is answered under. */
  alignment: z.string().regex(/^[0-9a-f]{64}$/),
});

export type AlignedRow = Readonly<z.output<typeof rowSchema>>;

/** Aligned rows, as an edit leaves them or as a version has them. */
export interface AlignedRowsDelta {
  readonly kind: 'aligned_rows';
  /** No two of one prompt. */
  readonly rows: readonly AlignedRow[];
}

/** A row as JSON, always with its parts in one order. */
export const tellRow = ({ alignment, prompt, subject, text, threshold, top_k }: AlignedRow): string =>
  JSON.stringify({ alignment, prompt, subject, text, threshold, top_k });
