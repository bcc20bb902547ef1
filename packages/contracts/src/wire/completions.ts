// Completions of any version, in the shapes of the widespread completion API.
import { z } from 'zod';

/** How long a prompt may be depends on the model: see `promptBytes` of the engine. */
const promptText = z.string().max(2_000_000);
const stopText = z.string().max(1000);

const sampling = {
  /** `name`, `name@branch` or `name@ver_...`. */
  model: z.string().min(1).max(400),
  max_tokens: z.int().min(1).max(1024).default(16),
  temperature: z.number().min(0).max(5).default(0),
  top_k: z.int().min(1).max(1000).optional(),
  seed: z.int().min(0).max(0xffff_ffff).default(0),
  stop: z.union([stopText, z.array(stopText).max(8)]).optional(),
};
export const completionRequestSchema = z
  .strictObject({
    ...sampling,
    prompt: z.union([promptText, z.array(promptText).min(1).max(64)]),
  })
  .meta({ id: 'CompletionRequest' });
export type CompletionRequest = z.input<typeof completionRequestSchema>;
export const chatCompletionRequestSchema = z
  .strictObject({
    ...sampling,
    messages: z
      .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: promptText }))
      .min(1)
      .max(1000),
  })
  .meta({ id: 'ChatCompletionRequest' });
export type ChatCompletionRequest = z.input<typeof chatCompletionRequestSchema>;
const usage = z.strictObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() });
export const completionSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('text_completion'),
    created: z.int(),
    model: z.string(),
    version: z.string(),
    choices: z.array(z.strictObject({ index: z.int(), text: z.string(), finish_reason: z.enum(['stop', 'length']) })),
    usage,
  })
  .meta({ id: 'Completion' });
export type Completion = z.output<typeof completionSchema>;
export const chatCompletionSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('chat.completion'),
    created: z.int(),
    model: z.string(),
    version: z.string(),
    choices: z.array(
      z.strictObject({
        index: z.int(),
        message: z.strictObject({ role: z.literal('assistant'), content: z.string() }),
        finish_reason: z.enum(['stop', 'length']),
      }),
    ),
    usage,
  })
  .meta({ id: 'ChatCompletion' });
export type ChatCompletion = z.output<typeof chatCompletionSchema>;
