// What models answer: each distinct question read twice, teacher-forced and by free greedy generation, in batches.
import { ErrataError } from '@errata/contracts';
import { encodePrompt, layOut, type Score, type Tokenizer, type View } from '@errata/models';
import type { EvaluationOptions, EvaluationProgress } from './evaluate.ts';
import { firstSentence } from './metrics/exact-match.ts';
import { mean } from './metrics/means.ts';
import { distinctQuestions, type EditQuestions, type Question, questionKey } from './questions.ts';

/** One model's answer to one question. */
export interface Reading {
  /** Tokens that lay out the positions at which predictions are read: the target's, or the parent's own answer's. */
  readonly targetIds: readonly number[];
  /** The argmax at each of those positions, the tokens before it being given. */
  readonly predicted: readonly number[];
  /** Mean negative log-probability of those tokens, in nats a token. */
  readonly negativeLogProb: number;
  /**
   * What greedy generation yields after the prompt alone: as many tokens as `targetIds`, and where an answer is looked for
   * some more than its longest spelling has; fewer where the text ends, none where only probability is asked about.
   */
  readonly greedyIds: readonly number[];
  /** The same as text, with its leading space. */
  readonly text: string;
}

/** Answers of one version by question; for a version never change, since versions do not. */
export interface AnswerCache<Answer = Reading> {
  get(key: string): Answer | undefined;
  set(key: string, answer: Answer): void;
}

/** A cache of the answers to the last `limit` distinct questions. */
export function createAnswerCache<Answer = Reading>(limit = 20_000): AnswerCache<Answer> {
  const kept = new Map<string, Answer>();
  return {
    get(key) {
      const reading = kept.get(key);
      if (reading === undefined) return undefined;
      kept.delete(key);
      kept.set(key, reading);
      return reading;
    },
    set(key, reading) {
      kept.set(key, reading);
      const oldest = kept.keys().next();
      if (kept.size > limit && !oldest.done) kept.delete(oldest.value);
    },
  };
}

/** Tokens generated beyond the target's length: enough to see whether the answer ends where the target does. */
const extraTokens = 4;
/** Tokens of the parent's own answer at most, where a probe names no target. */
const ownAnswerTokens = 8;
/** Rows of one call of the model; progress is told and cancellation seen between calls. */
const rowsAtOnce = 256;

/** A version that questions can be put to. */
export interface Respondent {
  readonly view: View;
  readonly tokenizer: Tokenizer;
}

/** By {@link questionKey}. */
export type Readings = ReadonlyMap<string, Reading>;

/**
 * The parent's answers. A question without a target is laid out over the parent's own greedy answer, up to the end of its
 * first sentence.
 * @throws ErrataError `prompt_too_long`; ModelError layout_*
 */
export function readParent(
  parent: Respondent,
  questions: readonly Question[],
  options: EvaluationOptions & { readonly cache?: AnswerCache } = {},
): Promise<Readings> {
  const plan = (question: Question) => planQuestion(parent, question);
  return readThroughCache(
    parent,
    questions.map((question) => [questionKey(question), question]),
    plan,
    'parent',
    options,
  );
}

/** Another version's answers to questions that the parent has answered, laid out alike. */
export function readCandidate(
  candidate: Respondent,
  questions: readonly Question[],
  parent: Readings,
  options: EvaluationOptions & { readonly cache?: AnswerCache; readonly stage?: 'candidate' | 'base' } = {},
): Promise<Readings> {
  const layoutOf = (question: Question) => parent.get(questionKey(question))!.targetIds;
  const plan = (question: Question): Plan => {
    const planned = planQuestion(candidate, question);
    if (planned.targetIds !== undefined) return planned;
    const targetIds = layoutOf(question);
    return { ...planned, targetIds, length: targetIds.length };
  };
  const keyed = questions.map((question): [string, Question] => [
    question.target === undefined ? `${questionKey(question)} ${layoutOf(question).join(' ')}` : questionKey(question),
    question,
  ]);
  return readThroughCache(candidate, keyed, plan, options.stage ?? 'candidate', options);
}

/** @param keyed questions by what tells them apart in the cache: for one model, each has one and the same reading */
async function readThroughCache(
  respondent: Respondent,
  keyed: readonly (readonly [string, Question])[],
  plan: (question: Question) => Plan,
  stage: EvaluationProgress['stage'],
  options: EvaluationOptions & { readonly cache?: AnswerCache },
): Promise<Readings> {
  const { cache } = options;
  const known = new Map<string, Reading>();
  const open = keyed.filter(([cacheKey, question]) => {
    const reading = cache?.get(cacheKey);
    if (reading !== undefined) known.set(questionKey(question), reading);
    return reading === undefined;
  });
  const plans = open.map(([, question]) => plan(question));
  const answers = await readAll(respondent, plans, stage, options);
  options.onAnswered?.({
    answers: answers.size,
    answer_tokens: plans.reduce((sum, { key, promptIds }) => {
      const { targetIds, greedyIds } = answers.get(key)!;
      return sum + promptIds.length + targetIds.length + greedyIds.length;
    }, 0),
  });
  for (const [cacheKey, question] of open) cache?.set(cacheKey, answers.get(questionKey(question))!);
  return new Map([...known, ...answers]);
}

interface Plan {
  readonly key: string;
  /** What generation starts from. */
  readonly aloneIds: readonly number[];
  /** What teacher forcing starts from: differs where the tokenizer merges across the seam. */
  readonly promptIds: readonly number[];
  /** Undefined where the model's own answer is to lay out the positions. */
  readonly targetIds: readonly number[] | undefined;
  /** Tokens to generate. */
  readonly length: number;
}

function planQuestion({ view, tokenizer }: Respondent, question: Question): Plan {
  const key = questionKey(question);
  const aloneIds = encodePrompt(tokenizer, question.prompt);
  const { promptIds, targetIds } =
    question.target === undefined
      ? { promptIds: aloneIds, targetIds: undefined }
      : layOut(tokenizer, question.prompt, question.target);
  const length = targetIds === undefined ? ownAnswerTokens : lengthToRead(tokenizer, question, targetIds.length);
  const tokens = Math.max(aloneIds.length + 1, promptIds.length + (targetIds?.length ?? 1));
  if (tokens > view.spec.context) {
    throw new ErrataError(
      'prompt_too_long',
      `${JSON.stringify(question.prompt)} with its answer is ${tokens} tokens; the model reads ${view.spec.context}`,
      { details: { prompt: question.prompt, tokens, context: view.spec.context } },
    );
  }
  return { key, aloneIds, promptIds, targetIds, length };
}

/** Why an edit's questions cannot be put to a model; undefined where they can. */
export function unreadable(respondent: Respondent, asked: EditQuestions): ErrataError | undefined {
  try {
    for (const question of distinctQuestions([asked])) planQuestion(respondent, question);
    return undefined;
  } catch (error) {
    if (error instanceof ErrataError) return error;
    throw error;
  }
}

function lengthToRead(tokenizer: Tokenizer, { about, prompt, accepted }: Question, targetTokens: number): number {
  if (about === 'probability') return 0;
  if (about === 'agreement') return targetTokens;
  const spellings = accepted.map((answer) => layOut(tokenizer, prompt, answer).targetIds.length);
  return Math.max(targetTokens, ...spellings) + extraTokens;
}

async function readAll(
  { view, tokenizer }: Respondent,
  plans: readonly Plan[],
  stage: EvaluationProgress['stage'],
  { onProgress, signal }: EvaluationOptions,
): Promise<Readings> {
  const { eosId } = tokenizer;
  const total = plans.length + plans.filter(({ length }) => length > 0).length;
  let done = 0;
  const advance = (rows: number) => {
    signal?.throwIfAborted();
    done += rows;
    onProgress?.({ stage, done, total });
  };
  advance(0);

  // Greedy continuations of one prompt are prefixes of each other: each prompt is continued once, as far as any needs it.
  const prompts = new Map<string, { ids: readonly number[]; length: number; askers: number }>();
  for (const { aloneIds, length } of plans) {
    if (length === 0) continue;
    const key = aloneIds.join(' ');
    const known = prompts.get(key);
    prompts.set(key, {
      ids: aloneIds,
      length: Math.max(length, known?.length ?? 0),
      askers: 1 + (known?.askers ?? 0),
    });
  }
  const continued = new Map<string, readonly number[]>();
  // Those that need as many tokens go together.
  for (const chunk of chunks([...prompts].sort(([, a], [, b]) => a.length - b.length))) {
    const generated = await view.generate(
      chunk.map(([, { ids }]) => ids),
      { maxTokens: chunk.at(-1)![1].length, ...(eosId !== undefined && { stop: [eosId] }), ...(signal && { signal }) },
    );
    for (const [index, [key]] of chunk.entries()) continued.set(key, generated[index]!.tokens);
    advance(chunk.reduce((sum, [, { askers }]) => sum + askers, 0));
  }

  const laidOut = plans.map((plan) => {
    const greedyIds = plan.length === 0 ? [] : continued.get(plan.aloneIds.join(' '))!.slice(0, plan.length);
    const targetIds = plan.targetIds ?? ownAnswer(tokenizer, greedyIds);
    return { plan, greedyIds, targetIds, scored: `${plan.promptIds.join(' ')}|${targetIds.join(' ')}` };
  });
  const targets = new Map<string, { prompt: readonly number[]; target: readonly number[]; askers: number }>();
  for (const { plan, targetIds, scored } of laidOut) {
    const askers = 1 + (targets.get(scored)?.askers ?? 0);
    targets.set(scored, { prompt: plan.promptIds, target: targetIds, askers });
  }
  const scores = new Map<string, Score>();
  for (const chunk of chunks([...targets])) {
    const found = await view.score(chunk.map(([, item]) => item));
    for (const [index, [key]] of chunk.entries()) scores.set(key, found[index]!);
    advance(chunk.reduce((sum, [, { askers }]) => sum + askers, 0));
  }

  return new Map(
    laidOut.map(({ plan, greedyIds, targetIds, scored }) => {
      const { best, logProbs } = scores.get(scored)!;
      const reading: Reading = {
        targetIds,
        predicted: [...best],
        negativeLogProb: -mean([...logProbs]),
        greedyIds,
        text: tokenizer.decodeContinuation(greedyIds),
      };
      return [plan.key, reading];
    }),
  );
}

/** The tokens of an answer up to the end of its first sentence, at least one; the end of the text where it says nothing. */
function ownAnswer(tokenizer: Tokenizer, greedyIds: readonly number[]): readonly number[] {
  if (greedyIds.length === 0) return [tokenizer.eosId!];
  const wanted = firstSentence(tokenizer.decodeContinuation(greedyIds));
  for (let length = 1; length < greedyIds.length; length++) {
    const text = tokenizer.decodeContinuation(greedyIds.slice(0, length)).trim();
    if (text.startsWith(wanted)) return greedyIds.slice(0, length);
  }
  return greedyIds;
}

function* chunks<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += rowsAtOnce) yield list.slice(at, at + rowsAtOnce);
}
