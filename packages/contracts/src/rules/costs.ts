// Costs of the pieces of a run, summed.
import type { Cost } from '../wire/costs.ts';

export const noCost: Cost = {
  edits: 0,
  edit_seconds: 0,
  answers: 0,
  answer_seconds: 0,
  answer_tokens: 0,
  stored_bytes: 0,
  peak_bytes: 0,
};

/**
 * Costs of several pieces together: everything adds up but memory, of which the largest counts, since pieces are worked on one
 * after another or in processes of their own.
 */
export const addCosts = (costs: Iterable<Cost>): Cost =>
  [...costs].reduce(
    (sum, cost) => ({
      edits: sum.edits + cost.edits,
      edit_seconds: sum.edit_seconds + cost.edit_seconds,
      answers: sum.answers + cost.answers,
      answer_seconds: sum.answer_seconds + cost.answer_seconds,
      answer_tokens: sum.answer_tokens + cost.answer_tokens,
      stored_bytes: sum.stored_bytes + cost.stored_bytes,
      peak_bytes: Math.max(sum.peak_bytes, cost.peak_bytes),
    }),
    noCost,
  );
