// Rows of continuous prompts: corrections as a knowledge encoder reads them, and what is put in front of prompts that ask for one.

import { z } from 'zod';
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

/** Where the row of a prompt is, or would be, among rows in the order of their prompts. */
function placeOf(rows: readonly PromptRow[], prompt: string): number {
  let [from, to] = [0, rows.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (rows[middle]!.prompt < prompt) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The row of a prompt. @param rows as {@link changedPromptRows} has them */
export function rowOfPrompt(rows: readonly PromptRow[], prompt: string): PromptRow | undefined {
  const row = rows[placeOf(rows, prompt)];
  return row?.prompt === prompt ? row : undefined;
}

/**
 * The rows that a change makes of those before it, in the order of their prompts: in which order rows of several prompts came leaves
 * no trace.
 */
export function changedPromptRows(before: readonly PromptRow[], { rows, renewed }: PromptRowsDelta): PromptRowsDelta {
  const after = [...before];
  const changed = new Map<string, PromptRow>();
  const put = (at: number, instead: 0 | 1, row: PromptRow) => {
    after.splice(at, instead, row);
    changed.set(row.prompt, row);
  };
  for (const row of renewed) {
    const at = placeOf(after, row.prompt);
    if (after[at]?.prompt === row.prompt && after[at].text === row.text) put(at, 1, row);
  }
  for (const row of rows) {
    const at = placeOf(after, row.prompt);
    put(at, after[at]?.prompt === row.prompt ? 1 : 0, row);
  }
  const replaced = before.filter(({ prompt }) => changed.has(prompt));
  representations.grow(before, [...changed.values()], replaced, after);
  return { kind: 'prompt_rows', rows: after, renewed: [] };
}
