// Evaluations of stored versions: blocks of cases, and what is measured on the versions themselves.
import {
  type CaseResult,
  type EvaluationOutcome,
  type EvaluationRow,
  type EvaluationSummary,
  failedCase,
  gateValuesOf,
  isCaseFault,
  noCost,
  resultsOf,
  rootManifest,
  type VersionSource,
  versionId,
} from '@errata/contracts';
import {
  aggregate,
  type CasesInput,
  defaultPerplexityTokens,
  type EvaluationOptions,
  evaluateCases as evaluate,
  heldTokens,
  perplexityOf,
  readHeldText,
  relativeChange,
  runMetrics,
  versionPage,
  watchMemory,
} from '@errata/evaluation';
import type { View } from '@errata/models';
import type { Concluded, ParamsOf, ResultOf } from '../calls/index.ts';
import type { CallContext } from '../context.ts';
import { asErrataError } from '../errors.ts';
import type { OpenModel } from '../models/model-store.ts';

type AskOptions = CallContext & Pick<EvaluationOptions, 'onAnswered'>;
type Params<M extends 'evaluateCases' | 'concludeEvaluation'> = Omit<ParamsOf<M>, 'model'>;

export async function evaluateCases(
  open: OpenModel,
  { against, version, base = rootManifest(open.digest), cases, ...rest }: Params<'evaluateCases'>,
  context: CallContext,
): Promise<ResultOf<'evaluateCases'>> {
  const heldText = cases.some(({ item }) => item.kind === 'held_text') ? await heldTextOf(open) : undefined;
  const input = {
    against: await open.view(against),
    version: await open.view(version),
    ...(await asThird(open, base, against)),
    tokenizer: open.tokenizer(),
    cases,
    ...rest,
    ...(heldText !== undefined && { heldText }),
  };
  return askMetered(input, context);
}

/** The end of the model's own text; undefined where it brought none. */
export async function heldTextOf(open: OpenModel): Promise<string | undefined> {
  const corpus = await open.corpus();
  return corpus === undefined ? undefined : readHeldText(corpus);
}

/** The base as a third version to compare with; agreement with it is no measure of its own where it is the one compared with. */
const asThird = async (
  open: OpenModel,
  base: VersionSource,
  against: VersionSource,
): Promise<{ readonly base?: View }> => (versionId(base) === versionId(against) ? {} : { base: await open.view(base) });

/** Asks a block of cases and says what that cost. */
export async function askMetered(input: CasesInput, context: CallContext): Promise<ResultOf<'evaluateCases'>> {
  const started = performance.now();
  const peak = watchMemory();
  const spent = { answers: 0, answer_tokens: 0 };
  const results = await askOrFail(input, {
    ...context,
    onAnswered: ({ answers, answer_tokens }) => {
      spent.answers += answers;
      spent.answer_tokens += answer_tokens;
    },
  });
  const answer_seconds = (performance.now() - started) / 1000;
  return { results, cost: { ...noCost, ...spent, answer_seconds, peak_bytes: peak() } };
}

/**
 * Where one of the cases cannot be asked, each is asked alone: what is at fault gets a result that says so, and the others theirs. The
 * answers of one block are not kept for the next: what a case is batched with would then depend on what was asked before, and with
 * it the last digit of its scores.
 */
async function askOrFail(input: CasesInput, options: AskOptions): Promise<readonly CaseResult[]> {
  try {
    return await evaluate(input, options);
  } catch (thrown) {
    const error = asErrataError(thrown);
    const [only, ...others] = input.cases;
    if (options.signal.aborted || only === undefined || !isCaseFault(error)) throw thrown;
    if (others.length === 0) return [failedCase(only, error)];
    const results: CaseResult[] = [];
    for (const one of input.cases) results.push(...(await askOrFail({ ...input, cases: [one] }, options)));
    return results;
  }
}

export async function concludeEvaluation(
  open: OpenModel,
  { against, version, merged, results, cost, about }: Params<'concludeEvaluation'>,
  { onProgress, signal }: CallContext,
): Promise<Concluded> {
  const started = performance.now();
  const [parent, candidate] = [await open.view(against), await open.view(version)];
  const text = await heldTextOf(open);
  const ids = text === undefined ? [] : heldTokens(open.tokenizer(), text, defaultPerplexityTokens);
  const measure = async (view: View, done: number) => {
    signal.throwIfAborted();
    onProgress({ stage: 'perplexity', done, total: 2 });
    return perplexityOf(view, ids);
  };
  const perplexity =
    ids.length < 2 ? null : { parent: await measure(parent, 0), candidate: await measure(candidate, 1) };
  const { means, ...counts } = merged;
  const summary: EvaluationSummary = {
    ...means,
    delta_norm: relativeChange(parent, candidate),
    perplexity,
    seconds: { edit: 0, evaluate: cost.answer_seconds + (performance.now() - started) / 1000 },
  };
  const { rows } = resultsOf(results);
  const gate_values = gateValuesOf(results, summary);
  const outcome: EvaluationOutcome = { ...counts, ...estimatesOf(rows), places: [], cost, gate_values };
  const report = versionPage({
    ...about,
    against: { kind: about.against, version: versionId(against) },
    version: versionId(version),
    summary,
    outcome,
    results,
  });
  return { summary, outcome, report };
}

function estimatesOf(rows: readonly EvaluationRow[]): Pick<EvaluationOutcome, 'metrics' | 'run_metrics'> {
  // What a stream of edits keeps is said of runs that make edits, not of a version that has them.
  const ofWhole = runMetrics(rows).filter(({ metric }) => !metric.startsWith('stream.'));
  const whole = ofWhole.map(({ metric, version, value }) => [metric, { version, ...value }] as const);
  return { metrics: meansOf(rows), run_metrics: Object.fromEntries(whole) };
}

/** Means by metric of rows of one place. */
export const meansOf = (rows: readonly EvaluationRow[]): EvaluationOutcome['metrics'] =>
  Object.fromEntries(
    aggregate(rows).map(({ metric, version, cases, probes, value, pooled, before, delta }) => {
      return [metric, { version, cases, probes, ...value, pooled, before, delta }];
    }),
  );
