// What editing and asking cost: measured on the machine at hand, apart from what was found.
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
