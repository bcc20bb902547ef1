// How memories are read that put texts in front of prompts: those of the most similar rows, the most similar last.

import { ModelError } from '../errors.ts';
import type { PromptModel, PromptReading } from './reading.ts';

/** A row that has a text for prompts similar to its own. */
interface TextsRow {
  readonly prompt: string;
  readonly text: string;
  readonly threshold: number;
  readonly top_k: number;
}

/** A row, and how similar a prompt is to it. */
export interface Similar<Row> {
  readonly row: Row;
  readonly similarity: number;
}

/** How rows are found. */
export interface TextsSearch<Row> {
  /** What the memory is called in errors. */
  readonly memory: string;
  /** The rows that a text is as similar to as their threshold asks, in any order. */
  readonly similar: (text: string, model: PromptModel) => Promise<readonly Similar<Row>[]>;
  /** What a row is called as long as it is there. */
  readonly name: (row: Row) => string;
}

/** The text of a prompt, without what the tokenizer begins every text with. @throws ModelError tokenizer_missing */
export function promptText(prompt: readonly number[], { tokenizer }: PromptModel, memory: string): string {
  if (tokenizer === undefined)
    throw new ModelError('tokenizer_missing', {
      where: memory,
      what: 'the model has no tokenizer to read prompts with',
      hint: 'Add the tokenizer of the model',
    });
  const { prefixIds } = tokenizer;
  return tokenizer.decode(prefixIds.every((id, at) => prompt[at] === id) ? prompt.slice(prefixIds.length) : prompt);
}

/** How a memory of texts is read. */
export function textsReading<Row extends TextsRow>({ memory, similar, name }: TextsSearch<Row>): PromptReading {
  const chosenFor = async (prompt: readonly number[], model: PromptModel) => {
    return chosenRows(await similar(promptText(prompt, model, memory), model));
  };
  return {
    at: 'prompt',
    front: async (prompt, model) => {
      const chosen = await chosenFor(prompt, model);
      if (chosen.length === 0) return null;
      return { kind: 'ids', ids: model.tokenizer!.encode(chosen.map(({ row: { text } }) => text).join('')) };
    },
    speaking: async (prompt, model) => {
      const last = (await chosenFor(prompt, model)).at(-1);
      return last ? { row: name(last.row), score: last.similarity, threshold: last.row.threshold } : null;
    },
  };
}

/** Of rows within their threshold those that a prompt is given, the least similar first; of equals the later prompt. */
export function chosenRows<Row extends Pick<TextsRow, 'prompt' | 'top_k'>>(
  similar: readonly Similar<Row>[],
): readonly Similar<Row>[] {
  return similar
    .toSorted((a, b) => b.similarity - a.similarity || (a.row.prompt < b.row.prompt ? -1 : 1))
    .filter(({ row }, rank) => rank < row.top_k)
    .reverse();
}
