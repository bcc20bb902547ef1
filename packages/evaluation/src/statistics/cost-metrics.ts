// The catalogue's metrics of cost, from what a run cost in all.
import type { Cost } from '@errata/contracts';

/**
 * Costs an edit and an answer, by metric id, in the catalogue's units. What cannot be told is absent: nothing can be said of the
 * time an edit takes where none was made.
 */
export function costMetrics(cost: Cost): Readonly<Record<string, number>> {
  const each = (total: number, count: number) => (count === 0 ? undefined : total / count);
  const found: Readonly<Record<string, number | undefined>> = {
    'cost.edit_seconds': each(cost.edit_seconds, cost.edits),
    'cost.answer_seconds': each(cost.answer_seconds, cost.answers),
    'cost.answer_tokens': each(cost.answer_tokens, cost.answers),
    'cost.peak_memory': cost.peak_bytes === 0 ? undefined : cost.peak_bytes,
    'cost.stored_bytes': each(cost.stored_bytes, cost.edits),
  };
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, number] => entry[1] !== undefined));
}
