// Rows of text as they are read: the most similar of them stand in front of a prompt, the most similar last.

import { ModelError } from '../../errors.ts';
import type { PromptModel, PromptReading } from '../reading.ts';
import { indexOf } from './changed-rows.ts';
import { type TextRow, tellRow } from './rows.ts';
import { type SimilarRow, similarRows } from './similarity.ts';

/** How rows of text are read. */
export function textReading(rows: readonly TextRow[]): PromptReading {
  const similarTo = (prompt: readonly number[], { tokenizer }: PromptModel): readonly SimilarRow[] => {
    if (tokenizer === undefined)
      throw new ModelError('tokenizer_missing', {
        where: 'memory of texts',
        what: 'the model has no tokenizer to read prompts with',
        hint: 'Add the tokenizer of the model',
      });
    const { prefixIds } = tokenizer;
    const own = prefixIds.every((id, at) => prompt[at] === id) ? prompt.slice(prefixIds.length) : prompt;
    return similarRows(indexOf(rows), tokenizer.decode(own));
  };
  return {
    at: 'prompt',
    front: async (prompt, model) => {
      const chosen = chosenRows(similarTo(prompt, model));
      if (chosen.length === 0) return null;
      return { kind: 'ids', ids: model.tokenizer!.encode(chosen.map(({ text }) => text).join('')) };
    },
    speaking: async (prompt, model) => {
      const similar = similarTo(prompt, model);
      const row = chosenRows(similar).at(-1);
      if (row === undefined) return null;
      const { similarity } = similar.find((each) => each.row === row)!;
      return { row: tellRow(row), score: similarity, threshold: row.threshold };
    },
  };
}

/** Of rows within their threshold those that a prompt is given, the least similar first; of equals the later prompt. */
export function chosenRows(similar: readonly SimilarRow[]): readonly TextRow[] {
  return similar
    .toSorted((a, b) => b.similarity - a.similarity || (a.row.prompt < b.row.prompt ? -1 : 1))
    .flatMap(({ row }, rank) => (rank < row.top_k ? [row] : []))
    .reverse();
}
