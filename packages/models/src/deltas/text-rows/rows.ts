// Rows of text: corrections in words, each with the prompt that it answers and how alike another prompt must be to be given it.

import { z } from 'zod';

export const rowSchema = z.strictObject({
  /** What is corrected. A memory has one row of a prompt: a later one takes its place. */
  prompt: z.string().min(1),
  /** What the prompt is about; empty where nobody said. */
  subject: z.string(),
  /** What is put in front of prompts. */
  text: z.string().min(1),
  /** The least similarity of a prompt that is given the text, 0 to 1. */
  threshold: z.number().min(0).max(1),
  /** A prompt is given the text only if no more than so many rows, this one included, are as similar or more. */
  top_k: z.int().min(1),
});
export type TextRow = Readonly<z.output<typeof rowSchema>>;

/** Rows of text, as an edit leaves them or as a version has them. */
export interface TextRowsDelta {
  readonly kind: 'text_rows';
  /** No two of one prompt. */
  readonly rows: readonly TextRow[];
}

/** A row as JSON, always with its parts in one order. */
export const tellRow = ({ prompt, subject, text, threshold, top_k }: TextRow): string =>
  JSON.stringify({ prompt, subject, text, threshold, top_k });
