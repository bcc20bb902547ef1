// Rows of continuous prompts as they are read: the best row stands in front of a prompt where it is more like it than the sentinel is.

import { ModelError } from '../../errors.ts';
import { decodeKnowledgeEncoder } from '../../knowledge/file.ts';
import { type KnowledgeEncoder, openKnowledgeEncoder } from '../../knowledge/knowledge-encoder.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { Front, PromptModel, PromptReading } from '../reading.ts';
import { exactProduct, roughProducts, type VectorSet } from '../vector-memory.ts';
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

/** The text of a prompt, without what the tokenizer begins every text with. */
function textOf(prompt: readonly number[], tokenizer: Tokenizer): string {
  const { prefixIds } = tokenizer;
  const own = prefixIds.every((id, at) => prompt[at] === id) ? prompt.slice(prefixIds.length) : prompt;
  return tokenizer.decode(own);
}

const lengthOf = (vector: Float32Array): number => Math.sqrt(exactProduct(vector, vector));

const longest = new WeakMap<VectorSet<PromptRow>, number>();

/** Length of the longest representation of a set. */
function longestOf(set: VectorSet<PromptRow>): number {
  const known = longest.get(set);
  if (known !== undefined) return known;
  const found = set.rows.reduce((most, row) => (row ? Math.max(most, lengthOf(row.representation)) : most), 0);
  longest.set(set, found);
  return found;
}

/**
 * The row of the greatest product with a query, of several the first by its prompt, and the product. One product in float32 with all
 * rows chooses those that are looked at: it is off by n units in the last place of the vectors' lengths at most (Higham 2002, section 3.1).
 */
async function nearestRow(set: VectorSet<PromptRow>, query: Float32Array) {
  const rough = await roughProducts(set, query);
  const present = [...set.rows.entries()].filter((entry): entry is [number, PromptRow] => entry[1] !== undefined);
  const greatest = present.reduce((most, [at]) => Math.max(most, rough[at]!), Number.NEGATIVE_INFINITY);
  const slack = 2 * query.length * 2 ** -24 * lengthOf(query) * longestOf(set);
  let found: { readonly row: PromptRow; readonly product: number } | undefined;
  for (const [at, row] of present) {
    if (rough[at]! < greatest - slack) continue;
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
