// Distinct prompts put to a model: each is run once, whatever is asked about it and by however many questions.
import type { Reply, ReplyItem, Score, Tokenizer, View } from '@errata/models';

/** A version that questions can be put to. */
export interface Respondent {
  readonly view: View;
  readonly tokenizer: Tokenizer;
}

type Ids = readonly number[];

interface Asked {
  readonly prompt: Ids;
  readonly targets: Map<string, Ids>;
  tokens: number;
}

/** What a model replied. Only what was asked about is there. */
export interface Replies {
  readonly score: (prompt: Ids, target: Ids) => Score;
  /** As many tokens as the question that wanted most, fewer where the text ends. */
  readonly greedy: (prompt: Ids) => Ids;
}

/** Prompts of one call of the model; progress is told and cancellation seen between calls. */
const promptsAtOnce = 512;

const keyOf = (ids: Ids): string => ids.join(' ');

/** Collects what is to be known of each prompt. */
export interface PromptList {
  /** A continuation is to be scored. */
  readonly score: (prompt: Ids, target: Ids) => void;
  /** A greedy continuation is wanted. `draft` is what it will probably be. */
  readonly generate: (prompt: Ids, tokens: number, draft?: Ids) => void;
  /** Asks about all of them, in batches. `onShare` is told the share that is done. */
  readonly put: (to: Respondent, signal?: AbortSignal, onShare?: (share: number) => void) => Promise<Replies>;
}

export function promptList(): PromptList {
  const prompts = new Map<string, Asked>();
  const about = (prompt: Ids): Asked => {
    const key = keyOf(prompt);
    const known = prompts.get(key) ?? { prompt, targets: new Map<string, Ids>(), tokens: 0 };
    prompts.set(key, known);
    return known;
  };
  return {
    score: (prompt, target) => void about(prompt).targets.set(keyOf(target), target),
    generate: (prompt, tokens, draft) => {
      const asked = about(prompt);
      // Greedy continuations of one prompt are prefixes of each other.
      asked.tokens = Math.max(asked.tokens, tokens);
      if (draft !== undefined && draft.length > 0) asked.targets.set(keyOf(draft), draft);
    },
    put: async ({ view, tokenizer }, signal, onShare) => {
      const replies = await ask(view, [...prompts.values()], tokenizer.eosId, signal, onShare);
      return {
        score: (prompt, target) => {
          const key = keyOf(prompt);
          const position = [...prompts.get(key)!.targets.keys()].indexOf(keyOf(target));
          return replies.get(key)!.scores[position]!;
        },
        greedy: (prompt) => replies.get(keyOf(prompt))!.greedy,
      };
    },
  };
}

async function ask(
  view: View,
  asked: readonly Asked[],
  eosId: number | undefined,
  signal: AbortSignal | undefined,
  onShare: ((share: number) => void) | undefined,
): Promise<ReadonlyMap<string, Reply>> {
  // Those that need as many tokens go together, so that few wait for others to end.
  const items = asked
    .map(({ prompt, targets, tokens }): ReplyItem => ({ prompt, targets: [...targets.values()], tokens }))
    .sort((a, b) => a.tokens - b.tokens);
  const replies = new Map<string, Reply>();
  for (let at = 0; at < items.length; at += promptsAtOnce) {
    const chunk = items.slice(at, at + promptsAtOnce);
    const found = await view.reply(chunk, {
      ...(eosId !== undefined && { stop: [eosId] }),
      ...(signal && { signal }),
    });
    for (const [index, { prompt }] of chunk.entries()) replies.set(keyOf(prompt), found[index]!);
    onShare?.((at + chunk.length) / items.length);
  }
  return replies;
}
