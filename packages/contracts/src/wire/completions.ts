// Completions of any version, in the shapes of the widespread completion API.
import { z } from 'zod';
import { bounded, notDone, orElse, orNone, promptText, samplingFields } from './completion-fields.ts';

/** Tokens that one answer has at most, whatever is asked and however much its model holds. */
const longestAnswer = 8192;
/** Of a conversation where the request says nothing: one engine answers one request after another. */
const usualAnswer = 1024;
const promptsAtOnce = 64;
const answersAtOnce = 128;

const answerLength = z.int().min(0).max(longestAnswer);
const tokens = z.array(z.int().min(0).max(0x7fff_ffff)).min(1).max(10_000);
/** The likeliest tokens that may be asked for in each place. */
const mostLogprobs = 20;

const promptsSchema = z
  .union([promptText, z.array(promptText).min(1).max(promptsAtOnce), tokens, z.array(tokens).min(1).max(promptsAtOnce)])
  .describe('One text or several, or their tokens');

const tooMany = `n times the prompts are ${answersAtOnce} answers at most`;

export const completionRequestSchema = z
  .strictObject({
    ...samplingFields,
    prompt: promptsSchema,
    max_tokens: orElse(answerLength, 16),
    echo: orElse(z.boolean(), false),
    logprobs: orNone(z.int().min(0).max(mostLogprobs)),
    best_of: notDone((value) => value === 1),
    suffix: notDone((value) => value === ''),
  })
  .refine(({ n, prompt }) => n * promptsOf(prompt).length <= answersAtOnce, { path: ['n'], message: tooMany })
  .refine(({ errata, prompt }) => !errata || promptsOf(prompt).length === 1, {
    path: ['errata'],
    message: 'it is said of one prompt: ask one at a time, or leave it out',
  })
  .meta({ id: 'CompletionRequest' });
export type CompletionRequest = z.input<typeof completionRequestSchema>;

/** The prompts of a request, each a text or its tokens. */
export function promptsOf(prompt: z.output<typeof promptsSchema>): readonly (string | number[])[] {
  if (typeof prompt === 'string') return [prompt];
  return prompt.every((part) => typeof part === 'number') ? [prompt as number[]] : (prompt as string[] | number[][]);
}

const textPart = z.strictObject({ type: z.literal('text'), text: promptText });

/** Fields beside these are handed to the model's chat template, which may know them. */
const message = bounded(
  z.looseObject({
    role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
    content: z.union([promptText, z.array(textPart).max(1000)]).nullish(),
    name: z.string().max(200).nullish(),
    tool_call_id: z.string().max(200).nullish(),
    tool_calls: z
      .array(bounded(z.looseObject({}), 20))
      .max(100)
      .nullish(),
  }),
  30,
);
const tool = bounded(z.looseObject({ type: z.literal('function') }), 20);

export const chatCompletionRequestSchema = z
  .strictObject({
    ...samplingFields,
    messages: z.array(message).min(1).max(1000),
    max_completion_tokens: orNone(answerLength),
    max_tokens: orNone(answerLength).describe('The older name of max_completion_tokens'),
    logprobs: orElse(z.boolean(), false),
    top_logprobs: orNone(z.int().min(0).max(mostLogprobs)),
    tools: orNone(z.array(tool).max(128)).describe(
      'Shown to the model where its chat template does; calls are not read out of answers',
    ),
    tool_choice: orNone(z.literal(['none', 'auto'])),
    parallel_tool_calls: orNone(z.boolean()),
    response_format: notDone((value) => (value as { type?: unknown }).type === 'text'),
    modalities: notDone((value) => Array.isArray(value) && value.every((one) => one === 'text')),
    audio: notDone(),
    functions: notDone((value) => Array.isArray(value) && value.length === 0),
    function_call: notDone((value) => value === 'none' || value === 'auto'),
    prediction: notDone(),
    reasoning_effort: notDone((value) => value === 'none'),
    verbosity: notDone((value) => value === 'medium'),
    web_search_options: notDone(),
  })
  .refine(({ logprobs, top_logprobs }) => logprobs || (top_logprobs ?? 0) === 0, {
    path: ['top_logprobs'],
    message: 'it needs logprobs: true',
  })
  .refine(({ tools, tool_choice }) => (tools ?? []).length === 0 || tool_choice === 'none', {
    path: ['tools'],
    message: 'calls of tools are not read out of answers here: send tool_choice "none", or leave them out',
  })
  .meta({ id: 'ChatCompletionRequest' });
export type ChatCompletionRequest = z.input<typeof chatCompletionRequestSchema>;

/** How many tokens the answer to a conversation may have. */
export const chatAnswerLength = (request: z.output<typeof chatCompletionRequestSchema>): number =>
  request.max_completion_tokens ?? request.max_tokens ?? usualAnswer;

const usage = z.strictObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() });
const finishReason = z.enum(['stop', 'length']);

/** Which edit of a memory acted on the prompt. */
const spokenEdit = z
  .strictObject({
    version: z.string(),
    edit: z.string().nullable().describe('Null where no memory acted: the weights answered'),
    score: z
      .number()
      .nullable()
      .describe(
        'How near the prompt came: a similarity, or of a codebook the distance from the edit, in its activations',
      ),
    threshold: z
      .number()
      .nullable()
      .describe('What the similarity reached at least; of a codebook what the distance was at most'),
  })
  .meta({ id: 'SpokenEdit' });
export type SpokenEdit = z.output<typeof spokenEdit>;

const about = {
  id: z.string(),
  created: z.int(),
  model: z.string(),
  version: z.string(),
  errata: spokenEdit.optional().describe('With `errata`; in a stream in the chunks that say how an answer ended'),
};

const logprobs = z.strictObject({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
  text_offset: z.array(z.int()),
});
const choice = z.strictObject({
  index: z.int(),
  text: z.string(),
  logprobs: logprobs.nullable(),
  finish_reason: finishReason,
});
export const completionSchema = z
  .strictObject({ ...about, object: z.literal('text_completion'), choices: z.array(choice), usage })
  .meta({ id: 'Completion' });
export type Completion = z.output<typeof completionSchema>;
/** What a stream of a completion is made of. */
export const completionChunkSchema = z
  .strictObject({
    ...about,
    object: z.literal('text_completion'),
    choices: z.array(choice.extend({ finish_reason: finishReason.nullable() })),
    usage: usage.nullable().optional().describe('With `include_usage`: null but in the last chunk'),
  })
  .meta({ id: 'CompletionChunk' });
export type CompletionChunk = z.output<typeof completionChunkSchema>;

const likelyToken = z.strictObject({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()) });
const chatLogprobs = z.strictObject({
  content: z.array(likelyToken.extend({ top_logprobs: z.array(likelyToken) })),
  refusal: z.null(),
});
export const chatCompletionSchema = z
  .strictObject({
    ...about,
    object: z.literal('chat.completion'),
    choices: z.array(
      z.strictObject({
        index: z.int(),
        message: z.strictObject({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
        logprobs: chatLogprobs.nullable(),
        finish_reason: finishReason,
      }),
    ),
    usage,
  })
  .meta({ id: 'ChatCompletion' });
export type ChatCompletion = z.output<typeof chatCompletionSchema>;
/** What a stream of an answer to a conversation is made of. */
export const chatCompletionChunkSchema = z
  .strictObject({
    ...about,
    object: z.literal('chat.completion.chunk'),
    choices: z.array(
      z.strictObject({
        index: z.int(),
        delta: z.strictObject({ role: z.literal('assistant').optional(), content: z.string().optional() }),
        logprobs: chatLogprobs.nullable(),
        finish_reason: finishReason.nullable(),
      }),
    ),
    usage: usage.nullable().optional().describe('With `include_usage`: null but in the last chunk'),
  })
  .meta({ id: 'ChatCompletionChunk' });
export type ChatCompletionChunk = z.output<typeof chatCompletionChunkSchema>;
