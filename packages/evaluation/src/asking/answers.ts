// What models answer: each distinct question read twice, teacher-forced and by free greedy generation, in batches.
import { ErrataError } from '@errata/contracts';
import { encodePrompt, layOut, ModelError, type Tokenizer, unspellable, type View } from '@errata/models';
import { LRUCache } from 'lru-cache';
import { firstSentence } from '../metrics/exact-match.ts';
import { mean } from '../metrics/means.ts';
import type { EvaluationOptions, EvaluationProgress } from '../options.ts';
import { promptList, type Respondent } from './prompts.ts';
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
export interface AnswerCache<Answer extends object = Reading> {
  get(key: string): Answer | undefined;
  set(key: string, answer: Answer): void;
}

/** A cache of the answers to the last `limit` distinct questions. */
export const createAnswerCache = <Answer extends object = Reading>(limit = 20_000): AnswerCache<Answer> =>
  new LRUCache<string, Answer>({ max: limit });

/** Tokens generated beyond the target's length: enough to see whether the answer ends where the target does. */
const extraTokens = 4;
/** Tokens of the parent's own answer at most, where a probe names no target. */
const ownAnswerTokens = 8;

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
    // Where agreement is asked about, the candidate mostly says what its parent said.
    const draft = question.about === 'agreement' && { draftIds: parent.get(questionKey(question))!.greedyIds };
    if (planned.targetIds !== undefined) return { ...planned, ...draft };
    const targetIds = layoutOf(question);
    return { ...planned, ...draft, targetIds, length: targetIds.length };
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
  /** What will probably be generated: it is checked instead of generated, and changes no answer. */
  readonly draftIds?: readonly number[];
}

const plans = new WeakMap<View['spec'], WeakMap<Question, Plan>>();

/** Several versions are asked the same questions, which are tokenised once. */
function planQuestion({ view, tokenizer }: Respondent, question: Question): Plan {
  const known = plans.get(view.spec) ?? new WeakMap<Question, Plan>();
  plans.set(view.spec, known);
  const plan = known.get(question) ?? layOutQuestion({ view, tokenizer }, question);
  known.set(question, plan);
  return plan;
}

function layOutQuestion({ view, tokenizer }: Respondent, question: Question): Plan {
  const key = questionKey(question);
  const { join } = question;
  const aloneIds = encodePrompt(tokenizer, question.prompt, { join });
  const { promptIds, targetIds } =
    question.target === undefined
      ? { promptIds: aloneIds, targetIds: undefined }
      : layOut(tokenizer, question.prompt, question.target, { join });
  const length = targetIds === undefined ? ownAnswerTokens : lengthToRead(tokenizer, question, targetIds.length);
  const tokens = Math.max(aloneIds.length + 1, promptIds.length + (targetIds?.length ?? 1));
  if (tokens > view.spec.context) {
    throw promptTooLong(question.prompt, tokens, view.spec.context);
  }
  return { key, aloneIds, promptIds, targetIds, length };
}

/** Characters of a prompt that a message quotes. */
const quotedCharacters = 80;

export function promptTooLong(prompt: string, tokens: number, context: number): ErrataError {
  const quoted = JSON.stringify(prompt.length > quotedCharacters ? `${prompt.slice(0, quotedCharacters)}…` : prompt);
  return new ErrataError(
    'prompt_too_long',
    `${quoted} with its answer is ${tokens} tokens; the model reads ${context}`,
    { details: { tokens, context } },
  );
}

/** Why an edit's questions cannot be put to a model; undefined where they can. */
export const unreadable = (respondent: Respondent, asked: EditQuestions): ErrataError | undefined =>
  unaskable(respondent, distinctQuestions([asked]));

/** Why one of these questions cannot be put to a model; undefined where all can. */
export function unaskable(respondent: Respondent, questions: Iterable<Question>): ErrataError | undefined {
  try {
    for (const question of questions) planQuestion(respondent, question);
    return undefined;
  } catch (error) {
    if (error instanceof ErrataError) return error;
    if (error instanceof ModelError) return new ErrataError('invalid_request', error.message, { cause: error });
    throw error;
  }
}

function lengthToRead(tokenizer: Tokenizer, { about, prompt, accepted, join }: Question, targetTokens: number): number {
  if (about === 'probability') return 0;
  if (about === 'agreement') return targetTokens;
  // A spelling that the model cannot write is never what it answers.
  const written = accepted.filter((answer) => unspellable(tokenizer, answer).length === 0);
  const spellings = written.map((answer) => layOut(tokenizer, prompt, answer, { join }).targetIds.length);
  return Math.max(targetTokens, ...spellings) + extraTokens;
}

async function readAll(
  respondent: Respondent,
  plans: readonly Plan[],
  stage: EvaluationProgress['stage'],
  { onProgress, signal }: EvaluationOptions,
): Promise<Readings> {
  const { tokenizer } = respondent;
  let done = 0;
  const advance = (rows: number) => {
    signal?.throwIfAborted();
    done += rows;
    onProgress?.({ stage, done, total: plans.length });
  };
  advance(0);

  const prompts = promptList();
  for (const { aloneIds, promptIds, targetIds, draftIds, length } of plans) {
    if (targetIds !== undefined) prompts.score(promptIds, targetIds);
    if (length > 0) prompts.generate(aloneIds, length, draftIds);
  }
  const replies = await prompts.put(respondent, signal, (share) => advance(Math.floor(share * plans.length) - done));

  // What a model was left to lay out itself is scored once it is known.
  const laidOut = plans.map((plan) => {
    const greedyIds = plan.length === 0 ? [] : replies.greedy(plan.aloneIds).slice(0, plan.length);
    return { plan, greedyIds, targetIds: plan.targetIds ?? ownAnswer(tokenizer, greedyIds) };
  });
  const own = promptList();
  for (const { plan, targetIds } of laidOut) if (plan.targetIds === undefined) own.score(plan.promptIds, targetIds);
  const ownReplies = await own.put(respondent, signal);
  if (done < plans.length) advance(plans.length - done);

  return new Map(
    laidOut.map(({ plan, greedyIds, targetIds }) => {
      const { best, logProbs } = (plan.targetIds === undefined ? ownReplies : replies).score(plan.promptIds, targetIds);
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
