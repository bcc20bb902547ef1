// Completions: prompts or a conversation in, answers out, whole or as they are written.
import { ErrataError } from '@errata/contracts';
import { encodePrompt, type SamplingOptions, type Tokenizer, type TokenLogProbs } from '@errata/models';
import type { Completion, CompletionPart, ParamsOf, PlacedToken, ResultOf, Sampling } from '../calls/index.ts';
import type { CallInParts } from '../context.ts';
import type { OpenModel } from '../models/model-store.ts';
import { answerText } from './answer-text.ts';
import { encodeConversation } from './conversations.ts';
import { placeToken } from './spelled-tokens.ts';
import { spokenDelta } from './spoken-delta.ts';

/**
 * Answers prompts. Each answer has random numbers of its own, so that it does not depend on its company.
 * @throws ErrataError `prompt_too_long`, `tokenizer_missing`, `invalid_request`, `invalid_token_id`; ModelError chat_template_*, layout_*, sequence_*
 */
export async function complete(
  open: OpenModel,
  { version, prompts, sampling, echo = false, logprobs, parts = false, attribute }: ParamsOf<'complete'>,
  { signal, onPart }: CallInParts<CompletionPart>,
): Promise<ResultOf<'complete'>> {
  const tokenizer = open.tokenizer();
  checkBiases(open, sampling);
  const asked = promptIds(open, prompts, sampling);
  const view = await open.view(version);
  const known = echo && logprobs !== undefined ? await view.promptLogProbs(asked, logprobs) : undefined;
  const spoke = attribute && (await Promise.all(asked.map((ids) => spokenDelta(open, view, ids, attribute))));
  const echoes = asked.map((ids, prompt) => {
    if (!echo) return { text: '' };
    const tokens = known && placePrompt(tokenizer, ids, (at) => known[prompt]![at - 1]);
    return { text: promptText(tokenizer, ids), ...(tokens && { tokens }) };
  });

  const { n = 1, stop = [] } = sampling;
  const stops = stop.filter((text) => text !== '' && !tokenizer.specialTokens.has(text));
  // A special token is no part of the text: where it is to end an answer, its token does.
  const endIds = [...open.endIds, ...stop.flatMap((text) => tokenizer.specialTokens.get(text) ?? [])];
  const promptOf = asked.flatMap((_, prompt) => Array.from({ length: n }, () => prompt));
  const answers = promptOf.map((prompt) => answerText(tokenizer, stops, echoes[prompt]!.text.length));
  if (parts && echo) for (const [index, prompt] of promptOf.entries()) onPart({ index, ...echoes[prompt]! });

  const texts = answers.map(() => '');
  const tokens = answers.map((): PlacedToken[] => []);
  const add = (index: number, piece: ReturnType<(typeof answers)[number]['sure']>) => {
    if (piece === null) return;
    texts[index] += piece.text;
    tokens[index]!.push(...(piece.tokens ?? []));
    if (parts) onPart({ index, ...piece });
  };
  const stopped = answers.map(() => false);
  const generated = await view.generate(
    promptOf.map((prompt) => asked[prompt]!),
    {
      ...samplingOptions(sampling),
      maxTokens: sampling.max_tokens,
      seed: sampling.seed,
      stop: endIds,
      logProbs: logprobs,
      onToken: (index, id, found) => {
        stopped[index] = answers[index]!.take(id, found);
        add(index, answers[index]!.sure());
      },
      until: (index) => stopped[index]!,
      signal,
      reuse: true,
    },
  );
  signal.throwIfAborted();
  for (const [index, answer] of answers.entries()) {
    const rest = answer.rest();
    add(index, rest.text === '' && (rest.tokens ?? []).length === 0 ? null : rest);
  }
  return {
    completions: generated.map(({ tokens: written, finish }, index): Completion => {
      const before = echoes[promptOf[index]!]!;
      return {
        text: before.text + texts[index]!,
        ...(logprobs !== undefined && { tokens: [...(before.tokens ?? []), ...tokens[index]!] }),
        finish_reason: finish,
        prompt_tokens: asked[promptOf[index]!]!.length,
        completion_tokens: written.length,
        ...(spoke && { spoke: spoke[promptOf[index]!] ?? null }),
      };
    }),
  };
}

function checkBiases({ model }: OpenModel, { logit_bias = [] }: Sampling): void {
  const { vocab } = model.spec;
  const [unknown] = logit_bias.find(([token]) => token >= vocab) ?? [];
  if (unknown === undefined) return;
  const message = `token ${unknown} is outside the vocabulary of ${vocab}`;
  throw new ErrataError('invalid_token_id', message, {
    errors: [{ code: 'invalid_token_id', message, field: 'logit_bias', pointer: `/logit_bias/${unknown}` }],
  });
}

/** The tokens of every prompt, with room for an answer behind each. */
function promptIds(
  open: OpenModel,
  prompts: ParamsOf<'complete'>['prompts'],
  { max_tokens }: Sampling,
): readonly (readonly number[])[] {
  const tokenizer = open.tokenizer();
  const { context } = open.model.spec;
  const encoders =
    'messages' in prompts
      ? [() => encodeConversation(open.chatTemplate, tokenizer, prompts, context)]
      : prompts.map((prompt) => () => (typeof prompt === 'string' ? textIds(tokenizer, prompt, context) : prompt));
  // One after another: the first that is too long answers for all.
  return encoders.map((encode) => {
    const ids = encode();
    if (ids.length + Math.min(1, max_tokens) <= context) return ids;
    throw new ErrataError(
      'prompt_too_long',
      `the prompt is ${ids.length} tokens; the model reads ${context} with its answer`,
      { details: { tokens: ids.length, context } },
    );
  });
}

/** A prompt without text asks for a text from its beginning. */
function textIds(tokenizer: Tokenizer, prompt: string, context: number): readonly number[] {
  const start = tokenizer.bosId ?? tokenizer.eosId;
  if (prompt !== '' || start === undefined) return encodePrompt(tokenizer, prompt, { context });
  return tokenizer.prefixIds.length > 0 ? tokenizer.prefixIds : [start];
}

const promptText = (tokenizer: Tokenizer, ids: readonly number[]): string =>
  tokenizer.decode(ids, { skipSpecialTokens: true });

function placePrompt(
  tokenizer: Tokenizer,
  ids: readonly number[],
  found: (at: number) => TokenLogProbs | undefined,
): readonly PlacedToken[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  // A tokenizer may drop the space that its first token begins with.
  let offset = promptText(tokenizer, ids).length - tokenizer.decodeContinuation(ids).length;
  return ids.map((id, at) => {
    const placed = placeToken(tokenizer, id, Math.max(0, offset), found(at));
    offset += decoder.decode(tokenizer.continuationBytes(id), { stream: true }).length;
    return placed;
  });
}

function samplingOptions(sampling: Sampling): SamplingOptions {
  const { temperature, top_k, top_p, min_p, frequency_penalty, presence_penalty, logit_bias } = sampling;
  return {
    temperature,
    topK: top_k,
    topP: top_p,
    minP: min_p,
    frequencyPenalty: frequency_penalty,
    presencePenalty: presence_penalty,
    logitBias: logit_bias && new Map(logit_bias),
  };
}
