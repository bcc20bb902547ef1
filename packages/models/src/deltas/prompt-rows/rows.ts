// Rows of continuous prompts: corrections as a knowledge encoder reads them, and what is put in front of prompts that ask for one.

import { z } from 'zod';
import { mergedRows, rowOfPrompt } from '../rows-by-prompt.ts';
import { vectorMemory } from '../vector-memory.ts';

/** What a prompt is given: the continuous prompts of the correction, or its words. */
const givenForms = ['prompts', 'words'] as const;

export const rowHeaderSchema = z.strictObject({
  /** sha256 of the knowledge encoder that read the statement, and reads the prompts that may ask for it. */
  encoder: z.string().regex(/^[0-9a-f]{64}$/),
  /** What is corrected. A memory has one row of a prompt: a later one takes its place. */
  prompt: z.string().min(1),
  /** The correction as a statement, from which the row is made again by another encoder. */
  text: z.string().min(1),
  /** The least score of a prompt that is given it; null where the sentinel's score is to be exceeded. */
  threshold: z.number().nullable(),
  gives: z.enum(givenForms),
});

/** A correction as it lies in a memory. */
export interface PromptRow extends Readonly<z.output<typeof rowHeaderSchema>> {
  /** `[representation]` */
  readonly representation: Float32Array;
  /** `[tokens, width]`, flat. */
  readonly prompts: Float32Array;
}

/** Rows of continuous prompts, as an edit leaves them or as a version has them. */
export interface PromptRowsDelta {
  readonly kind: 'prompt_rows';
  /** No two of one prompt. */
  readonly rows: readonly PromptRow[];
  /**
   * Rows made again by another encoder. Each takes the place of the row of its prompt, where that says the same; where there is none
   * any more, it is nothing: which edits a version has is up to the deltas that made their rows.
   */
  readonly renewed: readonly PromptRow[];
}

/** The representations of memories of such rows. */
export const representations = vectorMemory<PromptRow>(({ representation }) => representation);

/** A row's header as JSON, always with its parts in one order. */
export const tellHeader = ({ encoder, prompt, text, threshold, gives }: PromptRow): string =>
  JSON.stringify({ encoder, prompt, text, threshold, gives });

/** What a row is called as long as it is there: also when it is renewed, which no edit of its own does. */
export const promptRowName = ({ prompt, text }: PromptRow): string => JSON.stringify([prompt, text]);

/** The rows that a change makes of those before it. */
export function changedPromptRows(before: readonly PromptRow[], { rows, renewed }: PromptRowsDelta): PromptRowsDelta {
  const standing = renewed.filter(({ prompt, text }) => rowOfPrompt(before, prompt)?.text === text);
  const further = [...new Map([...standing, ...rows].map((row) => [row.prompt, row])).values()];
  const { rows: after, replaced } = mergedRows(before, further);
  representations.grow(before, further, replaced, after);
  return { kind: 'prompt_rows', rows: after, renewed: [] };
}
