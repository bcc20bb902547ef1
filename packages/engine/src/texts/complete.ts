// Completions: prompts or messages in, texts out.
import { ErrataError } from '@errata/contracts';
import { encodePrompt, type Tokenizer } from '@errata/models';
import type { Completion, ParamsOf, ResultOf } from '../calls/index.ts';
import type { CallContext } from '../context.ts';
import type { OpenModel } from '../models/model-store.ts';
import { encodeConversation } from './conversations.ts';

/** Continues each prompt. Each has random numbers of its own, so that its answer does not depend on its company. */
export async function complete(
  open: OpenModel,
  { version, prompts, sampling }: ParamsOf<'complete'>,
  { signal }: CallContext,
): Promise<ResultOf<'complete'>> {
  const tokenizer = open.tokenizer();
  const { context } = open.model.spec;
  const given = 'messages' in prompts ? [prompts] : prompts;
  const ids: (readonly number[])[] = [];
  for (const prompt of given) {
    const tokens =
      typeof prompt === 'string'
        ? encodePrompt(tokenizer, prompt, { context })
        : encodeConversation(open.chatTemplate, tokenizer, prompt.messages, context);
    const { length } = tokens;
    // Before the next is tokenised: the first that is too long answers for all.
    if (length >= context) {
      throw new ErrataError(
        'prompt_too_long',
        `the prompt is ${length} tokens; the model reads ${context} with its answer`,
        { details: { tokens: length, context } },
      );
    }
    ids.push(tokens);
  }
  const view = await open.view(version);
  const generated = await view.generate(ids, {
    maxTokens: sampling.max_tokens,
    temperature: sampling.temperature,
    ...(sampling.top_k !== undefined && { topK: sampling.top_k }),
    seed: sampling.seed,
    stop: open.endIds,
    signal,
  });
  signal.throwIfAborted();
  const completions = generated.map(({ tokens, finish }, index): Completion => {
    const cut = cutAtStop(tokenizer, tokens, sampling.stop ?? []);
    return {
      text: cut?.text ?? tokenizer.decodeContinuation(tokens),
      finish_reason: cut === null ? finish : 'stop',
      prompt_tokens: ids[index]!.length,
      completion_tokens: cut?.tokens ?? tokens.length,
    };
  });
  return { completions };
}

/** The text before the first stop sequence, with the tokens it took to see it; null where there is none. */
function cutAtStop(
  tokenizer: Tokenizer,
  ids: readonly number[],
  stops: readonly string[],
): { readonly text: string; readonly tokens: number } | null {
  if (stops.length === 0) return null;
  for (let tokens = 1; tokens <= ids.length; tokens++) {
    const text = tokenizer.decodeContinuation(ids.slice(0, tokens));
    const places = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (places.length > 0) return { text: text.slice(0, Math.min(...places)), tokens };
  }
  return null;
}
