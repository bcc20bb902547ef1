// The evaluation of a candidate against its parent: every edit's questions asked of both, scored, and averaged.
import type {
  Edit,
  EditResult,
  EvaluationResults,
  EvaluationRow,
  EvaluationSummary,
  MeanScore,
  PlainError,
  Regression,
  Score,
} from '@errata/contracts';
import type { Tokenizer, View } from '@errata/models';
import {
  type AnswerCache,
  type Reading,
  type Readings,
  readCandidate,
  readParent,
  unreadable,
} from '../asking/answers.ts';
import { defaultPerplexityTokens, heldTokens, perplexityOf } from '../asking/perplexity.ts';
import {
  distinctQuestions,
  type EditQuestions,
  type Question,
  questionKey,
  questionsOfEdit,
  type RivalQuestions,
} from '../asking/questions.ts';
import { tokenAgreement } from '../metrics/agreement.ts';
import { exactMatch, firstSentence } from '../metrics/exact-match.ts';
import { meanScore } from '../metrics/means.ts';
import type { AnswerCost, EvaluationOptions } from '../options.ts';
import { relativeChange } from '../statistics/change.ts';
import { type EditScores, type Measurement, measurementsOf, type Pair, rowOf, weigh } from './measurements.ts';
import { regressionsOf } from './regressions.ts';

/** What became of an edit, as whoever made it says. */
export type MadeEdit =
  | { readonly outcome: 'applied' | 'already_holds'; readonly diagnostics: object }
  | { readonly outcome: 'failed'; readonly error: Pick<PlainError, 'code' | 'message'> };

export interface EvaluationInput {
  readonly parent: View;
  readonly candidate: View;
  /** The imported model: given, agreement with it is measured beside agreement with the parent. */
  readonly base?: View;
  /** Of the model that both are versions of. */
  readonly tokenizer: Tokenizer;
  readonly edits: readonly Edit[];
  /** One for each edit; all applied when left out. */
  readonly outcomes?: readonly MadeEdit[];
  /** Text for perplexity; left out, it is not measured. */
  readonly heldText?: string;
  /** Tokens of the held text that are read at most. */
  readonly perplexityTokens?: number;
  readonly editSeconds?: number;
  /** Also weigh the new answer against the true one, as ROME does, for edits that name it. */
  readonly rivals?: boolean;
  /** Keeps the parent's answers from one evaluation to the next. */
  readonly cache?: AnswerCache;
  /** The same for the base. */
  readonly baseCache?: AnswerCache;
}

export interface CandidateEvaluation {
  /** One for each edit, in order. */
  readonly perEdit: readonly EditResult[];
  readonly summary: EvaluationSummary;
  /** For each edit, in order: its metrics, none where it failed. */
  readonly measurements: readonly (readonly Measurement[])[];
  /** For each edit, in order: the worst of what it broke. */
  readonly regressions: readonly (readonly Regression[])[];
  /** Of all models together. */
  readonly spent: AnswerCost;
}

/** An evaluation as cases and rows that can be stored, merged and compared. */
export function evaluationResults(
  edits: readonly Edit[],
  { perEdit, measurements, regressions }: Pick<CandidateEvaluation, 'perEdit' | 'measurements' | 'regressions'>,
  place: Pick<EvaluationRow, 'moment' | 'edits'>,
): EvaluationResults {
  const cases = perEdit.map((result, position) => {
    const { prompt, target_new } = edits[position]!;
    const why = result.error ?? result.unmeasured ?? null;
    const failed = why !== null;
    return {
      ...place,
      case_id: result.custom_id,
      outcome: failed ? ('failed' as const) : ('measured' as const),
      error: why,
      prompt,
      target: target_new,
      answer_before: failed ? null : result.answer_before,
      answer_after: failed ? null : result.answer_after,
      ...(regressions[position]!.length > 0 && { regressions: regressions[position]! }),
    };
  });
  const rows = cases.flatMap(({ case_id }, position) =>
    measurements[position]!.map((measurement) => rowOf(measurement, { ...place, case_id })),
  );
  return { cases, rows };
}

/**
 * Evaluates a candidate against the version it came from.
 *
 * Reliability, generalization and portability compare each model's answers with the answer wanted; locality compares the
 * candidate with the PARENT, never with the truth: a parent that was wrong and stays as it was scores 1, and the gold
 * answer of a locality probe only lays out the positions at which the two are compared. Every question is read twice,
 * teacher-forced and by free greedy generation. Means pool the probes of all edits that were applied or held already, and could be asked
 * about: an edit may be made although one of its probes is longer than the model reads.
 */
export async function evaluateCandidate(
  input: EvaluationInput,
  given: EvaluationOptions = {},
): Promise<CandidateEvaluation> {
  const started = performance.now();
  let spent: AnswerCost = { answers: 0, answer_tokens: 0 };
  const options: EvaluationOptions = {
    ...given,
    onAnswered: (more) => {
      spent = { answers: spent.answers + more.answers, answer_tokens: spent.answer_tokens + more.answer_tokens };
      given.onAnswered?.(more);
    },
  };
  const { parent, candidate, tokenizer, edits, outcomes } = input;
  const groups = edits.map((edit) => questionsOfEdit(edit, { rivals: input.rivals ?? false }));
  const unread = groups.map((group) => unreadable({ view: parent, tokenizer }, group));
  const asked = groups.map((group, position) =>
    outcomes?.[position]?.outcome !== 'failed' && unread[position] === undefined ? group : null,
  );
  const questions = distinctQuestions(asked.filter((group) => group !== null));
  const before = await readParent({ view: parent, tokenizer }, questions, {
    ...options,
    ...(input.cache && { cache: input.cache }),
  });
  const after =
    candidate === parent ? before : await readCandidate({ view: candidate, tokenizer }, questions, before, options);
  const base = await readBase(input, questions, before, options);
  const held = await measurePerplexity(input, options);

  const scored = asked.map((group) => (group === null ? null : scoreEdit(group, before, after, base)));
  const measured = scored.filter((scores) => scores !== null);
  const perEdit = edits.map((edit, position): EditResult => {
    const [group, scores] = [asked[position], scored[position]];
    const became: MadeEdit = outcomes?.[position] ?? { outcome: 'applied', diagnostics: {} };
    const [error, diagnostics] =
      became.outcome === 'failed' ? [reasonOf(became.error), {}] : [null, { ...became.diagnostics }];
    const made = { custom_id: edit.custom_id, outcome: became.outcome, error };
    const fault = unread[position];
    const unmeasured = error === null && fault !== undefined ? reasonOf(fault) : undefined;
    if (!group || !scores) return { ...made, ...(unmeasured && { unmeasured }), ...noMeasurements, diagnostics };
    const key = questionKey(group.reliability);
    return {
      ...made,
      answer_before: firstSentence(before.get(key)!.text),
      answer_after: firstSentence(after.get(key)!.text),
      reliability: scores.reliability,
      generalization: pairMeans(scores.generalization),
      locality: mapValues(scores.locality, (list) => meanScore(list)!),
      portability: mapValues(scores.portability, (list) => pairMeans(list)!),
      diagnostics: { ...diagnostics },
    };
  });
  const locality = poolKinds(measured.map((scores) => scores.locality));
  const summary: EvaluationSummary = {
    edits: edits.length,
    applied: perEdit.filter(({ outcome }) => outcome === 'applied').length,
    already_holds: perEdit.filter(({ outcome }) => outcome === 'already_holds').length,
    measured: measured.length,
    reliability: pairMeans(measured.map((scores) => scores.reliability)) ?? { before: noScores, after: noScores },
    generalization: pairMeans(measured.flatMap((scores) => scores.generalization)),
    locality: meanScore([...locality.values()].flat()),
    locality_by_kind: mapValues(locality, (list) => meanScore(list)!),
    portability_by_kind: mapValues(poolKinds(measured.map((scores) => scores.portability)), (list) => pairMeans(list)!),
    delta_norm: relativeChange(parent, candidate),
    perplexity: held,
    seconds: { edit: input.editSeconds ?? 0, evaluate: (performance.now() - started) / 1000 },
  };
  return {
    perEdit,
    summary,
    measurements: scored.map((scores) => (scores === null ? [] : measurementsOf(scores))),
    regressions: asked.map((group) =>
      group === null ? [] : regressionsOf(group, before, after, { answer: scoreAnswer, agreement: scoreAgreement }),
    ),
    spent,
  };
}

const noScore: Score = { token: 0, all: 0, exact: 0 };
const noScores: MeanScore = { ...noScore, count: 0 };

/** What is said of an edit that was not applied, or could not be asked about. */
const noMeasurements = {
  answer_before: '',
  answer_after: '',
  reliability: { before: noScore, after: noScore },
  generalization: null,
  locality: {},
  portability: {},
} as const;

const reasonOf = ({ code, message }: Pick<PlainError, 'code' | 'message'>) => ({ code, message });

/** The base's answers to locality's questions, laid out as the parent's were; undefined where no base was given. */
async function readBase(
  { parent, base, tokenizer, baseCache }: EvaluationInput,
  questions: readonly Question[],
  before: Readings,
  options: EvaluationOptions,
): Promise<Readings | undefined> {
  if (base === undefined || base === parent) return base && before;
  const asked = questions.filter(({ about }) => about === 'agreement');
  return readCandidate({ view: base, tokenizer }, asked, before, {
    ...options,
    stage: 'base',
    ...(baseCache && { cache: baseCache }),
  });
}

function scoreEdit(asked: EditQuestions, before: Readings, after: Readings, base: Readings | undefined): EditScores {
  const both = (question: Question): Pair<Reading> => {
    const key = questionKey(question);
    return { before: before.get(key)!, after: after.get(key)! };
  };
  const pair = (question: Question): Pair => {
    const reading = both(question);
    return { before: scoreAnswer(question, reading.before), after: scoreAnswer(question, reading.after) };
  };
  const agreement = (other: Readings) => (question: Question) => {
    const key = questionKey(question);
    return scoreAgreement(other.get(key)!, after.get(key)!);
  };
  const preference = ({ wanted, unwanted }: RivalQuestions) => {
    const [one, other] = [both(wanted), both(unwanted)];
    return { before: weigh(one.before, other.before), after: weigh(one.after, other.after) };
  };
  const locality = (other: Readings) => mapKinds(asked.locality, agreement(other));
  return {
    reliability: pair(asked.reliability),
    generalization: asked.generalization.map(pair),
    locality: locality(before),
    localityBase: base && locality(base),
    portability: mapKinds(asked.portability, pair),
    rivals: asked.rivals && {
      weighed: {
        efficacy: asked.rivals.weighed.efficacy.map(preference),
        paraphrase: asked.rivals.weighed.paraphrase.map(preference),
        neighbourhood: asked.rivals.weighed.neighbourhood.map(preference),
        neighbourhood_own: asked.rivals.weighed.neighbourhood_own.map(preference),
      },
      skipped: asked.rivals.skipped.length,
    },
  };
}

const mapKinds = <T, U>(kinds: ReadonlyMap<string, readonly T[]>, change: (item: T) => U): Map<string, readonly U[]> =>
  new Map([...kinds].map(([kind, list]) => [kind, list.map(change)]));

/** An answer against the one that is wanted. */
export const scoreAnswer = (question: Question, reading: Reading): Score => ({
  ...tokenAgreement(reading.predicted, reading.targetIds),
  exact: exactMatch(reading.text, question.accepted),
});

/** A candidate's answer against another version's: argmax by argmax, and the same greedy continuation over as many tokens. */
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
