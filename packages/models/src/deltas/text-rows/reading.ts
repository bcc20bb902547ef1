// Rows of text as they are read: the most similar of them stand in front of a prompt, the most similar last.

import { ModelError } from '../../errors.ts';
import type { PromptReading } from '../reading.ts';
import type { TextRow } from './rows.ts';
import { similarityTo } from './similarity.ts';

/** How rows of text are read. */
export function textReading(rows: readonly TextRow[]): PromptReading {
  let similarity: ReturnType<typeof similarityTo> | undefined;
  return {
    at: 'prompt',
    front: async (prompt, { tokenizer }) => {
      if (tokenizer === undefined)
        throw new ModelError('tokenizer_missing', {
          where: 'memory of texts',
          what: 'the model has no tokenizer to read prompts with',
          hint: 'Add the tokenizer of the model',
        });
      const { prefixIds } = tokenizer;
      const own = prefixIds.every((id, at) => prompt[at] === id) ? prompt.slice(prefixIds.length) : prompt;
      similarity ??= similarityTo(rows);
      const chosen = chosenRows(rows, similarity(tokenizer.decode(own)));
      if (chosen.length === 0) return null;
      return { kind: 'ids', ids: tokenizer.encode(chosen.map(({ text }) => text).join('')) };
    },
  };
}

/** The rows that a prompt is given, the least similar first. */
export function chosenRows(rows: readonly TextRow[], similarities: readonly number[]): readonly TextRow[] {
  const alike = rows
    .map((row, index) => ({ row, similarity: similarities[index]! }))
    .filter(({ row, similarity }) => similarity >= row.threshold)
    .sort((a, b) => b.similarity - a.similarity);
  return alike.flatMap(({ row }, rank) => (rank < row.top_k ? [row] : [])).reverse();
}
