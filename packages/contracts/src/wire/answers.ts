// One question to one version, and its answer as it is stored.
import { z } from 'zod';
import type { Probe } from './edits.ts';

/** A question as the table of answers knows it. */
export interface AskedQuestion {
  readonly prompt: string;
  /** Answers whose probability is wanted, and whether free generation gives them. */
  readonly weigh: readonly string[];
}

/** What a version answers. */
export const givenAnswerSchema = z.strictObject({
  /** The greedy continuation up to the end of its first sentence. */
  answer: z.string(),
  weighed: z
    .array(
      z
        .strictObject({
          text: z.string(),
          /** Of all its tokens after the prompt. */
          probability: z.number(),
          /** Whether the continuation is this answer, by the rules of exact match. */
          exact: z.boolean(),
        })
        .readonly(),
    )
    .readonly(),
});
export type GivenAnswer = Readonly<z.output<typeof givenAnswerSchema>>;

export const questionOfProbe = ({ prompt, target, aliases = [] }: Probe): AskedQuestion => ({
  prompt,
  weigh: target === undefined ? [] : [target, ...aliases],
});
