// What a model makes of items: option likelihoods and answers in free text, read in batches, each distinct row once.
import { layOut, ModelError, type ScoreItem, type Tokenizer, type View } from '@errata/models';
import type { OptionReading } from './choice.ts';
import type { ChoiceQuestion, ReadingQuestion, ReadingTask } from './tasks.ts';

/** What a model made of a question in free text. */
export interface AnswerReading {
  /** The greedy answer up to the first stop, trimmed. */
  readonly text: string;
  /** Mean log-probability of a token of the right answer, in nats. */
  readonly meanLogProb: number;
}

/** What a model made of the options of a question. */
export type ChoiceReading = readonly OptionReading[];

/** Why an item was not asked. */
export type SkipReason =
  /** Prompt and answer do not fit the model's context; nothing is ever cut. */
  | { readonly reason: 'too_long'; readonly tokens: number; readonly context: number }
  /** Its prompt, an option or its answer has no text, or none that the tokenizer can part from the prompt. */
  | { readonly reason: 'unreadable'; readonly what: string };

/** An item as tokens. */
export type Plan<Rows> = { readonly rows: Rows } | { readonly skip: SkipReason };

/** A model that questions can be put to. */
export interface Reader {
  readonly view: View;
  readonly tokenizer: Tokenizer;
}

export type ChoiceRows = readonly ScoreItem[];

/** The prompt and the right answer behind it. */
export type ReadingRows = ScoreItem;

/** Lays out the options of a question. */
export function planChoice({ view, tokenizer }: Reader, { prompt, options }: ChoiceQuestion): Plan<ChoiceRows> {
  return planned(() => {
    const rows = options.map((option) => {
      const { promptIds, targetIds } = layOut(tokenizer, prompt, option);
      return { prompt: promptIds, target: targetIds };
    });
    const tokens = Math.max(...rows.map(lengthOf));
    return fitting(view, tokens, rows);
  });
}

/** Lays out a question and its right answer; both the answer and all that may be generated have to fit. */
export function planReading(
  { view, tokenizer }: Reader,
  { prompt, answers }: ReadingQuestion,
  { maxTokens, unanswerable }: Pick<ReadingTask, 'maxTokens' | 'unanswerable'>,
): Plan<ReadingRows> {
  return planned(() => {
    const { promptIds, targetIds } = layOut(tokenizer, prompt, answers[0] ?? unanswerable);
    const tokens = promptIds.length + Math.max(maxTokens, targetIds.length);
    return fitting(view, tokens, { prompt: promptIds, target: targetIds });
  });
}

const lengthOf = ({ prompt, target }: ScoreItem): number => prompt.length + target.length;

const fitting = <Rows>({ spec }: View, tokens: number, rows: Rows): Plan<Rows> =>
  tokens > spec.context ? { skip: { reason: 'too_long', tokens, context: spec.context } } : { rows };

function planned<Rows>(lay: () => Plan<Rows>): Plan<Rows> {
  try {
    return lay();
  } catch (error) {
    if (error instanceof ModelError && (error.code.startsWith('layout_') || error.code.startsWith('tokenizer_')))
      return { skip: { reason: 'unreadable', what: error.message } };
    throw error;
  }
}

/** The options of several questions; each prompt is run once, with all its distinct options behind it. */
export async function readChoices({ view }: Reader, questions: readonly ChoiceRows[]): Promise<ChoiceReading[]> {
  const distinct = questions.map((options) => new Map(options.map(({ target }) => [target.join(' '), target])));
  const replies = await view.reply(
    questions.map((options, index) => ({
      prompt: options[0]!.prompt,
      targets: [...distinct[index]!.values()],
      tokens: 0,
    })),
  );
  return questions.map((options, index) => {
    const keys = [...distinct[index]!.keys()];
    return options.map(({ target }) => ({
      firstToken: target[0]!,
      logProbs: [...replies[index]!.scores[keys.indexOf(target.join(' '))]!.logProbs],
    }));
  });
}

/** Greedy answers to several questions, and the likelihood of their right answers. */
export async function readAnswers(
  { view, tokenizer }: Reader,
  questions: readonly ReadingRows[],
  { maxTokens, stops }: Pick<ReadingTask, 'maxTokens' | 'stops'>,
  signal?: AbortSignal,
): Promise<AnswerReading[]> {
  const replies = await view.reply(
    questions.map(({ prompt, target }) => ({ prompt, targets: [target], tokens: maxTokens })),
    { stop: stopTokens(tokenizer, stops), ...(signal && { signal }) },
  );
  return replies.map(({ scores: [right], greedy }) => ({
    text: untilStop(tokenizer.decodeContinuation(greedy), stops),
    meanLogProb: right!.logProbs.reduce((sum, logProb) => sum + logProb, 0) / right!.logProbs.length,
  }));
}

function untilStop(text: string, stops: readonly string[]): string {
  const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return text.slice(0, Math.min(text.length, ...ends)).trim();
}

const stopTokensOf = new WeakMap<Tokenizer, Map<string, readonly number[]>>();

/** The end of the text, and tokens that are a stop and nothing else: no more need be generated after them. */
function stopTokens(tokenizer: Tokenizer, stops: readonly string[]): readonly number[] {
  const known = stopTokensOf.get(tokenizer) ?? new Map<string, readonly number[]>();
  stopTokensOf.set(tokenizer, known);
  const key = JSON.stringify(stops);
  const found = known.get(key) ?? [...endTokens(tokenizer), ...idsSpelling(tokenizer, stops)];
  known.set(key, found);
  return found;
}

const endTokens = ({ eosId }: Tokenizer): readonly number[] => (eosId === undefined ? [] : [eosId]);

function idsSpelling(tokenizer: Tokenizer, texts: readonly string[]): readonly number[] {
  const wanted = new Set(texts);
  const decoder = new TextDecoder();
  return Array.from({ length: tokenizer.vocabSize }, (_, id) => id).filter((id) => {
    const bytes = tokenizer.idToToken(id) === undefined ? undefined : tokenizer.tokenBytes(id);
    return bytes !== undefined && wanted.has(decoder.decode(bytes));
  });
}
