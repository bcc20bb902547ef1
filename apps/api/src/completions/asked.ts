// What requests for completions ask of the engine.
import { randomInt } from 'node:crypto';
import {
  chatAnswerLength,
  type chatCompletionRequestSchema,
  type completionRequestSchema,
  promptsOf,
} from '@errata/contracts';
import type { ChatMessage, ParamsOf, Sampling } from '@errata/engine';
import type { z } from 'zod';

type TextRequest = z.output<typeof completionRequestSchema>;
type ChatRequest = z.output<typeof chatCompletionRequestSchema>;

/** What is asked of the engine, whatever version answers. */
export type Asked = Omit<ParamsOf<'complete'>, 'model' | 'version'>;

export const askedOfText = (request: TextRequest): Asked => ({
  prompts: promptsOf(request.prompt),
  sampling: samplingOf(request, request.max_tokens),
  echo: request.echo,
  logprobs: request.logprobs,
  parts: request.stream,
});

export const askedOfChat = (request: ChatRequest): Asked => ({
  prompts: { messages: request.messages.map(asTemplatesKnow), tools: request.tools },
  sampling: samplingOf(request, chatAnswerLength(request)),
  logprobs: request.logprobs ? (request.top_logprobs ?? 0) : undefined,
  parts: request.stream,
});

const seeds = 2 ** 32;

function samplingOf(request: TextRequest | ChatRequest, max_tokens: number): Sampling {
  const { temperature, top_p, top_k, min_p, frequency_penalty, presence_penalty, logit_bias, n, seed, stop } = request;
  return {
    max_tokens,
    temperature,
    top_p,
    min_p,
    frequency_penalty,
    presence_penalty,
    n,
    seed: seed === undefined ? randomInt(seeds) : seed >>> 0,
    ...(top_k !== undefined && top_k > 0 && { top_k }),
    ...(logit_bias && { logit_bias: Object.entries(logit_bias).map(([id, bias]) => [Number(id), bias] as const) }),
    ...(stop !== undefined && { stop: [stop].flat() }),
  };
}

/**
 * A message in the terms of chat templates: instructions come from `system`, a text in parts is one text, and arguments of calls are values,
 * not JSON in a string.
 */
function asTemplatesKnow(message: ChatRequest['messages'][number]): ChatMessage {
  const { role, content, name, tool_call_id, tool_calls, ...further } = message;
  return {
    ...further,
    role: role === 'developer' ? 'system' : role,
    content: typeof content === 'string' ? content : (content ?? []).map(({ text }) => text).join('\n'),
    ...(name && { name }),
    ...(tool_call_id && { tool_call_id }),
    ...(tool_calls && tool_calls.length > 0 && { tool_calls: tool_calls.map(withArguments) }),
  };
}

function withArguments(call: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const called = call.function as { readonly arguments?: unknown } | undefined;
  if (typeof called?.arguments !== 'string') return call;
  try {
    return { ...call, function: { ...called, arguments: JSON.parse(called.arguments) as unknown } };
  } catch {
    return call;
  }
}
