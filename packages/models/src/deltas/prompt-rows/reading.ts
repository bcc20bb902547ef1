// Rows of continuous prompts as they are read: the best row stands in front of a prompt where it is more like it than the sentinel is.

import { decodeKnowledgeEncoder } from '../../knowledge/file.ts';
import { type KnowledgeEncoder, openKnowledgeEncoder } from '../../knowledge/knowledge-encoder.ts';
import { promptText } from '../prompt-texts.ts';
import type { Front, PromptModel, PromptReading } from '../reading.ts';
import { exactProduct, promisingRows, type VectorSet } from '../vector-memory.ts';
import { type PromptRow, promptRowName, representations } from './rows.ts';

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

/** The row of the greatest product with a query, of several the first by its prompt, and the product. */
async function nearestRow(set: VectorSet<PromptRow>, query: Float32Array) {
  let found: { readonly row: PromptRow; readonly product: number } | undefined;
  for (const row of await promisingRows(set, query, 1)) {
    const product = exactProduct(query, row.representation);
    if (found === undefined || product > found.product || (product === found.product && row.prompt < found.row.prompt))
      found = { row, product };
  }
  return found;
}

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
  for (const [sha256, set] of representations.sets(rows)) {
    const encoder = await encoderOf(sha256);
    const own = await encoder.query(query);
    const scale = 1 / Math.sqrt(own.length);
    const nearest = await nearestRow(set, own);
    if (nearest === undefined) continue;
    const { row } = nearest;
    const score = scale * nearest.product;
    const limit = row.threshold ?? scale * exactProduct(own, await encoder.sentinel());
    if (score <= limit) continue;
    const ahead = found === null ? 1 : score - limit - (found.score - found.limit);
    // Which encoder is asked first is up to how the memory came about, and must leave no trace.
    if (ahead > 0 || (ahead === 0 && row.prompt < found!.row.prompt)) found = { row, score, limit };
  }
  return found;
}

/** How rows of continuous prompts are read. */
export function promptRowsReading(rows: readonly PromptRow[]): PromptReading {
  const rowFor = (prompt: readonly number[], model: PromptModel): Promise<FoundRow | null> =>
    foundRow(rows, promptText(prompt, model, 'memory of continuous prompts'), (sha256) =>
      heldKnowledgeEncoder(model, sha256),
    );
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
