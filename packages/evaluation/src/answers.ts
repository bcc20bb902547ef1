// What models answer: each distinct question read twice, teacher-forced and by free greedy generation, in batches.
import { ErrataError } from '@errata/contracts';
import { encodePrompt, layOut, type Tokenizer, type View } from '@errata/models';
import type { EvaluationOptions } from './evaluate.ts';
import { firstSentence } from './metrics/exact-match.ts';
import { distinctQuestions, type EditQuestions, type Question, questionKey } from './questions.ts';

/** One model's answer to one question. */
export interface Reading {
  /** Tokens that lay out the positions at which predictions are read: the target's, or the parent's own answer's. */
  readonly targetIds: readonly number[];
  /** The argmax at each of those positions, the tokens before it being given. */
  readonly predicted: readonly number[];
  /**
   * What greedy generation yields after the prompt alone: as many tokens as `targetIds`, and some more where an answer is
   * looked for; fewer where the text ends.
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

type Readings = ReadonlyMap<string, Reading>;

/**
 * The parent's answers. A question without a target is laid out over the parent's own greedy answer, up to the end of its
 * first sentence.
 * @throws ErrataError `prompt_too_long`; ModelError layout_*
 */
export async function readParent(
  parent: Respondent,
  questions: readonly Question[],
  options: EvaluationOptions & { readonly cache?: AnswerCache } = {},
): Promise<Readings> {
  const { cache } = options;
  const known = new Map<string, Reading>();
  const open = questions.filter((question) => {
    const key = questionKey(question);
    const reading = cache?.get(key);
    if (reading !== undefined) known.set(key, reading);
    return reading === undefined;
  });
  const answers = await readAll(
    parent,
    open.map((question) => planQuestion(parent, question)),
    'parent',
    options,
  );
  for (const [key, reading] of answers) cache?.set(key, reading);
  return new Map([...known, ...answers]);
}

/** The candidate's answers to questions that the parent has answered, laid out alike. */
export function readCandidate(
  candidate: Respondent,
  questions: readonly Question[],
  parent: Readings,
  options: EvaluationOptions = {},
): Promise<Readings> {
  const plans = questions.map((question) => {
    const plan = planQuestion(candidate, question);
    const { targetIds } = parent.get(plan.key)!;
    return { ...plan, targetIds, length: lengthToRead(question, targetIds) };
  });
  return readAll(candidate, plans, 'candidate', options);
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
  const tokens = Math.max(aloneIds.length + 1, promptIds.length + (targetIds?.length ?? 1));
  if (tokens > view.spec.context) {
    throw new ErrataError(
      'prompt_too_long',
      `${JSON.stringify(question.prompt)} with its answer is ${tokens} tokens; the model reads ${view.spec.context}`,
      { details: { prompt: question.prompt, tokens, context: view.spec.context } },
    );
  }
  return { key, aloneIds, promptIds, targetIds, length: lengthToRead(question, targetIds) };
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

function lengthToRead({ about }: Question, targetIds: readonly number[] | undefined): number {
  if (targetIds === undefined) return ownAnswerTokens;
  return about === 'answer' ? targetIds.length + extraTokens : targetIds.length;
}

async function readAll(
  { view, tokenizer }: Respondent,
  plans: readonly Plan[],
  stage: 'parent' | 'candidate',
  { onProgress, signal }: EvaluationOptions,
): Promise<Readings> {
  const { eosId } = tokenizer;
  let done = 0;
  const advance = (rows: number) => {
    signal?.throwIfAborted();
    done += rows;
    onProgress?.({ stage, done, total: 2 * plans.length });
  };
  advance(0);

  // Greedy continuations of one prompt are prefixes of each other: each prompt is continued once, as far as any needs it.
  const prompts = new Map<string, { ids: readonly number[]; length: number; askers: number }>();
  for (const { aloneIds, length } of plans) {
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

  const answers = new Map<string, Reading>();
  const laidOut = plans.map((plan) => {
    const greedyIds = continued.get(plan.aloneIds.join(' '))!.slice(0, plan.length);
    return { plan, greedyIds, targetIds: plan.targetIds ?? ownAnswer(tokenizer, greedyIds) };
  });
  for (const chunk of chunks(laidOut)) {
    const scores = await view.score(
      chunk.map(({ plan, targetIds }) => ({ prompt: plan.promptIds, target: targetIds })),
    );
    for (const [index, { plan, greedyIds, targetIds }] of chunk.entries()) {
      const predicted = [...scores[index]!.best];
      answers.set(plan.key, { targetIds, predicted, greedyIds, text: tokenizer.decodeContinuation(greedyIds) });
    }
    advance(chunk.length);
  }
  return answers;
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
