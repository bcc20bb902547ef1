// Scoped rows as they are read: a prompt in the scope of one is answered by the counterfactual model, and every other by the version as it is.

import { type Counterfactual, openCounterfactual } from '../../counterfactual/counterfactual-model.ts';
import { decodeCounterfactual } from '../../counterfactual/file.ts';
import { promptText } from '../prompt-texts.ts';
import type { AnsweringModel, AnswerReading } from '../reading.ts';
import { promisingRows, type VectorSet } from '../vector-memory.ts';
import { type ScopedRow, scopedVectors, tellHeader } from './rows.ts';

/** A row in whose scope a query is. */
export interface ScopedBy {
  readonly row: ScopedRow;
  /** How likely in its scope. */
  readonly score: number;
}

/** A scope classifier with its counterfactual model that lies among the contents of a model, opened. @throws ModelError content_*, tokenizer_missing */
export const heldCounterfactual = (model: AnsweringModel, sha256: string): Promise<Counterfactual> =>
  model.contents.get(sha256, (bytes) => openCounterfactual(decodeCounterfactual(bytes, `artefact ${sha256}`), model));

/** The rows nearest to a query with their squared distances, the nearest first, of several as near the first by its prompt. */
async function nearestRows(set: VectorSet<ScopedRow>, query: Float32Array, count: number) {
  const longer = new Float32Array(query.length + 1);
  longer.set(query);
  longer[query.length] = -1;
  const found = (await promisingRows(set, longer, count)).map((row) => ({
    row,
    squared: row.vector.reduce((sum, x, at) => sum + (x - query[at]!) ** 2, 0),
  }));
  return found.sort((a, b) => a.squared - b.squared || (a.row.prompt < b.row.prompt ? -1 : 1)).slice(0, count);
}

const widest = new WeakMap<VectorSet<ScopedRow>, number>();

/** The most candidates that a row of a set asks for. */
function candidatesOf(set: VectorSet<ScopedRow>): number {
  const known = widest.get(set);
  if (known !== undefined) return known;
  const found = set.rows.reduce(
    (most, row) => (row?.classifier === 'pairs' ? Math.max(most, row.candidates) : most),
    1,
  );
  widest.set(set, found);
  return found;
}

/**
 * The row in whose scope a query is the likeliest to be (SERAC, section 3), and only if that is as likely as the row asks. By vectors, only the
 * nearest row of a counterfactual model is asked; by pairs, the nearest few, each read together with the query.
 */
export async function scopeOf(
  rows: readonly ScopedRow[],
  query: string,
  heldBy: (sha256: string) => Promise<Counterfactual>,
): Promise<ScopedBy | null> {
  let found: ScopedBy | null = null;
  for (const [sha256, set] of scopedVectors.sets(rows)) {
    const held = await heldBy(sha256);
    const near = await nearestRows(set, await held.query(query), candidatesOf(set));
    const paired = near.filter(({ row }, rank) => row.classifier === 'pairs' && rank < row.candidates);
    const likelihoods =
      paired.length === 0
        ? []
        : await held.pairs(
            paired.map(({ row }) => row),
            query,
          );
    const scored = paired.map(({ row }, at) => ({ row, score: likelihoods[at]! }));
    const [first] = near;
    if (first?.row.classifier === 'vectors')
      scored.push({ row: first.row, score: Math.exp(-held.scale * first.squared) });
    for (const { row, score } of scored) {
      if (score < row.threshold) continue;
      // Which model is asked first is up to how the memory came about, and must leave no trace.
      if (found === null || score > found.score || (score === found.score && row.prompt < found.row.prompt))
        found = { row, score };
    }
  }
  return found;
}

/** How scoped rows are read. */
export function scopedReading(rows: readonly ScopedRow[]): AnswerReading {
  const scoped = (prompt: readonly number[], model: AnsweringModel) =>
    scopeOf(rows, promptText(prompt, model, 'memory of scoped corrections'), (sha256) =>
      heldCounterfactual(model, sha256),
    );
  return {
    at: 'answer',
    standIn: async (prompt, model) => {
      const found = await scoped(prompt, model);
      if (found === null) return null;
      const { by, front } = await heldCounterfactual(model, found.row.encoder);
      const { prefixIds } = model.tokenizer!;
      const start = prefixIds.every((id, at) => prompt[at] === id) ? prefixIds.length : 0;
      return { prompt: [...prompt.slice(0, start), ...front(found.row), ...prompt.slice(start)], by };
    },
    speaking: async (prompt, model) => {
      const found = await scoped(prompt, model);
      return found && { row: tellHeader(found.row), score: found.score, threshold: found.row.threshold };
    },
  };
}
