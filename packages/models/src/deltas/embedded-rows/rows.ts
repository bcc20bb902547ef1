// Embedded rows: corrections in words, each with the vector that a sentence encoder makes of the prompt that it answers.

import { z } from 'zod';
import { vectorMemory } from '../vector-memory.ts';

export const rowHeaderSchema = z.strictObject({
  /** sha256 of the sentence encoder whose vector it has, and that reads the prompts which may be given it. */
  encoder: z.string().regex(/^[0-9a-f]{64}$/),
  /** What is corrected. A memory has one row of a prompt: a later one takes its place. */
  prompt: z.string().min(1),
  /** What is put in front of prompts. */
  text: z.string().min(1),
  /** The least cosine of a prompt that is given the text, -1 to 1. */
  threshold: z.number().min(-1).max(1),
  /** A prompt is given the text only if no more than so many rows, this one included, are as similar or more. */
  top_k: z.int().min(1),
});

/** A correction as it lies in a memory. */
export interface EmbeddedRow extends Readonly<z.output<typeof rowHeaderSchema>> {
  /** Of length 1, `[width]`. */
  readonly vector: Float32Array;
}

/** Embedded rows, as an edit leaves them or as a version has them. */
export interface EmbeddedRowsDelta {
  readonly kind: 'embedded_rows';
  /** No two of one prompt. */
  readonly rows: readonly EmbeddedRow[];
}

/** A row's header as JSON, always with its parts in one order. */
export const tellHeader = ({ encoder, prompt, text, threshold, top_k }: EmbeddedRow): string =>
  JSON.stringify({ encoder, prompt, text, threshold, top_k });

/** The vectors of memories of embedded rows. */
export const embeddedVectors = vectorMemory<EmbeddedRow>(({ vector }) => vector);
