// What editing and asking cost: measured on the machine at hand, summed over the pieces of a run, apart from what was found.
import { z } from 'zod';

export const costSchema = z.strictObject({
  /** Edits made, also those that failed: they took their time. */
  edits: z.int().min(0),
  /** Wall time of the editor. */
  edit_seconds: z.number().min(0),
  /** Questions that a model answered; what came out of a cache is not counted. */
  answers: z.int().min(0),
  /** Wall time of asking. */
  answer_seconds: z.number().min(0),
  /** Tokens of those questions: prompt, target laid out behind it, and answer generated. */
  answer_tokens: z.int().min(0),
  /** Bytes of the deltas that the edits left. */
  stored_bytes: z.int().min(0),
  /** Largest resident memory of any process that held the model, in bytes. */
  peak_bytes: z.int().min(0),
});
export type Cost = z.output<typeof costSchema>;

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
