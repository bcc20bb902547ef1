// Rows of continuous prompts as they are read: the best row stands in front of a prompt where it is more like it than the sentinel is.

import { ModelError } from '../../errors.ts';
import { decodeKnowledgeEncoder } from '../../knowledge/file.ts';
import { type KnowledgeEncoder, openKnowledgeEncoder } from '../../knowledge/knowledge-encoder.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { Front, PromptModel, PromptReading } from '../reading.ts';
import { type PromptRow, promptRowName } from './rows.ts';

/** A row that a prompt is given. */
export interface FoundRow {
  readonly row: PromptRow;
  /** r_q · r_k / √r. */
  readonly score: number;
  /** What the score had to exceed. */
  readonly limit: number;
}

/** A knowledge encoder that lies among the contents of a model, opened. @throws ModelError content_*, tokenizer_missing */
export const heldKnowledgeEncoder = (model: PromptModel, sha256: string): Promise<KnowledgeEncoder> =>
  model.contents.get(sha256, (bytes) =>
    openKnowledgeEncoder(decodeKnowledgeEncoder(bytes, `artefact ${sha256}`), model),
  );

/** The text of a prompt, without what the tokenizer begins every text with. */
function textOf(prompt: readonly number[], tokenizer: Tokenizer): string {
  const { prefixIds } = tokenizer;
  const own = prefixIds.every((id, at) => prompt[at] === id) ? prompt.slice(prefixIds.length) : prompt;
  return tokenizer.decode(own);
}

const dot = (a: Float32Array, b: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/**
 * The row that a query is given (RECIPE, section 4.3): of each encoder's rows the one of the greatest score, and only if that exceeds
 * the sentinel's, or its own threshold. Scores of different encoders do not compare: of several rows found, the one that is furthest above what it had to exceed.
 */
export async function foundRow(
  rows: readonly PromptRow[],
  query: string,
  encoderOf: (sha256: string) => Promise<KnowledgeEncoder>,
): Promise<FoundRow | null> {
  let found: FoundRow | null = null;
  const groups = new Map<string, PromptRow[]>();
  for (const row of rows) {
    const known = groups.get(row.encoder);
    if (known === undefined) groups.set(row.encoder, [row]);
    else known.push(row);
  }
  for (const [sha256, group] of groups) {
    const encoder = await encoderOf(sha256);
    const own = await encoder.query(query);
    const scale = 1 / Math.sqrt(own.length);
    let best: PromptRow | undefined;
    let score = Number.NEGATIVE_INFINITY;
    for (const row of group) {
      const at = scale * dot(own, row.representation);
      if (at > score) [best, score] = [row, at];
    }
    if (best === undefined) continue;
    const limit = best.threshold ?? scale * dot(own, await encoder.sentinel());
    if (score > limit && (found === null || score - limit > found.score - found.limit))
      found = { row: best, score, limit };
  }
  return found;
}

/** How rows of continuous prompts are read. */
export function promptRowsReading(rows: readonly PromptRow[]): PromptReading {
  const rowFor = async (prompt: readonly number[], model: PromptModel): Promise<FoundRow | null> => {
    const { tokenizer } = model;
    if (tokenizer === undefined)
      throw new ModelError('tokenizer_missing', {
        where: 'memory of continuous prompts',
        what: 'the model has no tokenizer to read prompts with',
        hint: 'Add the tokenizer of the model',
      });
    return foundRow(rows, textOf(prompt, tokenizer), (sha256) => heldKnowledgeEncoder(model, sha256));
  };
  return {
    at: 'prompt',
    front: async (prompt, model): Promise<Front | null> => {
      const found = await rowFor(prompt, model);
      if (found === null) return null;
      const { gives, text, prompts } = found.row;
      if (gives === 'prompts') return { kind: 'embeddings', embeddings: prompts };
      return { kind: 'ids', ids: model.tokenizer!.encode(text) };
    },
    speaking: async (prompt, model) => {
      const found = await rowFor(prompt, model);
      return found && { row: promptRowName(found.row), score: found.score, threshold: found.limit };
    },
  };
}
