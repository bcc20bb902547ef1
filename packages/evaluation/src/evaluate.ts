// The evaluation of a candidate against its parent: every edit's questions asked of both, scored, and averaged.
import type { Edit, EditResult, EvaluationSummary, MeanScore, PlainError, Score } from '@errata/contracts';
import type { Tokenizer, View } from '@errata/models';
import { type AnswerCache, type Reading, readCandidate, readParent } from './answers.ts';
import { relativeChange } from './change.ts';
import { tokenAgreement } from './metrics/agreement.ts';
import { exactMatch, firstSentence } from './metrics/exact-match.ts';
import { meanScore } from './metrics/means.ts';
import { defaultPerplexityTokens, heldTokens, perplexityOf } from './perplexity.ts';
import { distinctQuestions, type EditQuestions, type Question, questionKey, questionsOfEdit } from './questions.ts';

/** What the editor left behind for one edit, in the order of the edits. */
export interface EditWork {
  readonly diagnostics?: Readonly<Record<string, unknown>>;
  /** Why the edit could not be applied; absent when it was. */
  readonly error?: Pick<PlainError, 'code' | 'message'>;
}

export interface EvaluationInput {
  readonly parent: View;
  readonly candidate: View;
  /** Of the model that both are versions of. */
  readonly tokenizer: Tokenizer;
  readonly edits: readonly Edit[];
  /** One for each edit; all applied when left out. */
  readonly work?: readonly EditWork[];
  /** Text for perplexity; left out, it is not measured. */
  readonly heldText?: string;
  /** Tokens of the held text that are read at most. */
  readonly perplexityTokens?: number;
  readonly editSeconds?: number;
  /** Keeps the parent's answers from one evaluation to the next. */
  readonly cache?: AnswerCache;
}

export interface EvaluationProgress {
  readonly stage: 'parent' | 'candidate' | 'perplexity';
  readonly done: number;
  readonly total: number;
}

export interface EvaluationOptions {
  readonly onProgress?: (progress: EvaluationProgress) => void;
  /** Checked between batches; its reason is thrown. */
  readonly signal?: AbortSignal;
}

export interface CandidateEvaluation {
  /** One for each edit, in order. */
  readonly perEdit: readonly EditResult[];
  readonly summary: EvaluationSummary;
}

/**
 * Evaluates a candidate against the version it came from.
 *
 * Reliability, generalization and portability compare each model's answers with the answer wanted; locality compares the
 * candidate with the PARENT, never with the truth: a parent that was wrong and stays as it was scores 1, and the gold
 * answer of a locality probe only lays out the positions at which the two are compared. Every question is read twice,
 * teacher-forced and by free greedy generation. Means pool the probes of all edits that were applied.
 */
export async function evaluateCandidate(
  input: EvaluationInput,
  options: EvaluationOptions = {},
): Promise<CandidateEvaluation> {
  const started = performance.now();
  const { parent, candidate, tokenizer, edits, work } = input;
  const failureOf = (position: number) => work?.[position]?.error;
  const asked = edits.map((edit, position) => (failureOf(position) === undefined ? questionsOfEdit(edit) : null));
  const questions = distinctQuestions(asked.filter((group) => group !== null));
  const before = await readParent({ view: parent, tokenizer }, questions, {
    ...options,
    ...(input.cache && { cache: input.cache }),
  });
  const after = await readCandidate({ view: candidate, tokenizer }, questions, before, options);
  const held = await measurePerplexity(input, options);

  const applied: EditScores[] = [];
  const perEdit = edits.map((edit, position): EditResult => {
    const group = asked[position]!;
    const { diagnostics = {}, error } = work?.[position] ?? {};
    if (group === null) return unmeasured(edit.custom_id, error!, diagnostics);
    const scores = scoreEdit(group, before, after);
    applied.push(scores);
    const key = questionKey(group.reliability);
    return {
      custom_id: edit.custom_id,
      outcome: 'applied',
      error: null,
      answer_before: firstSentence(before.get(key)!.text),
      answer_after: firstSentence(after.get(key)!.text),
      reliability: scores.reliability,
      generalization: pairMeans(scores.generalization),
      locality: mapValues(scores.locality, (list) => meanScore(list)!),
      portability: mapValues(scores.portability, (list) => pairMeans(list)!),
      diagnostics: { ...diagnostics },
    };
  });
  const locality = poolKinds(applied.map((scores) => scores.locality));
  const summary: EvaluationSummary = {
    edits: edits.length,
    applied: applied.length,
    reliability: pairMeans(applied.map((scores) => scores.reliability)) ?? { before: noScores, after: noScores },
    generalization: pairMeans(applied.flatMap((scores) => scores.generalization)),
    locality: meanScore([...locality.values()].flat()),
    locality_by_kind: mapValues(locality, (list) => meanScore(list)!),
    portability_by_kind: mapValues(poolKinds(applied.map((scores) => scores.portability)), (list) => pairMeans(list)!),
    delta_norm: relativeChange(parent, candidate),
    perplexity: held,
    seconds: { edit: input.editSeconds ?? 0, evaluate: (performance.now() - started) / 1000 },
  };
  return { perEdit, summary };
}

interface Pair {
  readonly before: Score;
  readonly after: Score;
}

interface EditScores {
  readonly reliability: Pair;
  readonly generalization: readonly Pair[];
  readonly locality: ReadonlyMap<string, readonly Score[]>;
  readonly portability: ReadonlyMap<string, readonly Pair[]>;
}

type Readings = ReadonlyMap<string, Reading>;

const noScore: Score = { token: 0, all: 0, exact: 0 };
const noScores: MeanScore = { ...noScore, count: 0 };

/** An edit that was not applied is not asked about: what kept it out, such as a prompt that is too long, may do so here. */
const unmeasured = (
  custom_id: string,
  { code, message }: NonNullable<EditWork['error']>,
  diagnostics: NonNullable<EditWork['diagnostics']>,
): EditResult => ({
  custom_id,
  outcome: 'failed',
  error: { code, message },
  answer_before: '',
  answer_after: '',
  reliability: { before: noScore, after: noScore },
  generalization: null,
  locality: {},
  portability: {},
  diagnostics: { ...diagnostics },
});

function scoreEdit(asked: EditQuestions, before: Readings, after: Readings): EditScores {
  const pair = (question: Question): Pair => {
    const key = questionKey(question);
    return { before: scoreAnswer(question, before.get(key)!), after: scoreAnswer(question, after.get(key)!) };
  };
  const agreement = (question: Question): Score => {
    const key = questionKey(question);
    return scoreAgreement(before.get(key)!, after.get(key)!);
  };
  return {
    reliability: pair(asked.reliability),
    generalization: asked.generalization.map(pair),
    locality: new Map([...asked.locality].map(([kind, list]) => [kind, list.map(agreement)])),
    portability: new Map([...asked.portability].map(([kind, list]) => [kind, list.map(pair)])),
  };
}

/** An answer against the one that is wanted. */
export const scoreAnswer = (question: Question, reading: Reading): Score => ({
  ...tokenAgreement(reading.predicted, reading.targetIds),
  exact: exactMatch(reading.text, question.accepted),
});

/** A candidate's answer against its parent's: argmax by argmax, and the same greedy continuation over as many tokens. */
export function scoreAgreement(parent: Reading, candidate: Reading): Score {
  const length = parent.targetIds.length;
  const [mine, theirs] = [candidate.greedyIds.slice(0, length), parent.greedyIds.slice(0, length)];
  const same = mine.length === theirs.length && mine.every((id, position) => id === theirs[position]);
  return { ...tokenAgreement(candidate.predicted, parent.predicted), exact: same ? 1 : 0 };
}

function pairMeans(pairs: readonly Pair[]): { before: MeanScore; after: MeanScore } | null {
  const before = meanScore(pairs.map((pair) => pair.before));
  const after = meanScore(pairs.map((pair) => pair.after));
  return before === null || after === null ? null : { before, after };
}

function poolKinds<T>(maps: readonly ReadonlyMap<string, readonly T[]>[]): Map<string, readonly T[]> {
  const pooled = new Map<string, T[]>();
  for (const [kind, list] of maps.flatMap((map) => [...map])) pooled.set(kind, [...(pooled.get(kind) ?? []), ...list]);
  return pooled;
}

const mapValues = <T, U>(map: ReadonlyMap<string, T>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries([...map].map(([key, value]) => [key, change(value)]));

async function measurePerplexity(
  { parent, candidate, tokenizer, heldText, perplexityTokens = defaultPerplexityTokens }: EvaluationInput,
  { onProgress, signal }: EvaluationOptions,
): Promise<EvaluationSummary['perplexity']> {
  const ids = heldText === undefined ? [] : heldTokens(tokenizer, heldText, perplexityTokens);
  if (ids.length < 2) return null;
  const measure = async (view: View, done: number) => {
    signal?.throwIfAborted();
    onProgress?.({ stage: 'perplexity', done, total: 2 });
    return perplexityOf(view, ids);
  };
  return { parent: await measure(parent, 0), candidate: await measure(candidate, 1) };
}
