// Evaluations of stored versions: blocks of cases, and what is measured on the versions themselves.
import {
  type CaseResult,
  type ErrorCode,
  type EvaluationOutcome,
  type EvaluationRow,
  type EvaluationSummary,
  failedCase,
  resultsOf as resultsInRows,
  rootManifest,
  versionId,
} from '@errata/contracts';
import {
  aggregate,
  type CasesInput,
  defaultPerplexityTokens,
  evaluateCases as evaluate,
  gateValues,
  heldTokens,
  perplexityOf,
  readHeldText,
  relativeChange,
  runMetrics,
  versionPage,
} from '@errata/evaluation';
import type { View } from '@errata/models';
import type { CallContext } from './context.ts';
import { asErrataError } from './errors.ts';
import type { OpenModel } from './model-store.ts';
import type { ParamsOf, ResultOf } from './protocol.ts';

type Params<M extends 'evaluateCases' | 'concludeEvaluation'> = Omit<ParamsOf<M>, 'model'>;

export async function evaluateCases(
  open: OpenModel,
  { against, version, cases }: Params<'evaluateCases'>,
  context: CallContext,
): Promise<ResultOf<'evaluateCases'>> {
  const input = {
    against: await open.view(against),
    version: await open.view(version),
    base: await open.view(rootManifest(open.digest)),
    tokenizer: open.tokenizer(),
    cases,
  };
  return { results: await resultsOf(input, context) };
}

/** Failures that lie in what a case says, and in nothing else. */
const faultsOfCases: readonly ErrorCode[] = [
  'prompt_too_long',
  'empty_target',
  'subject_not_in_prompt',
  'invalid_token_id',
  'invalid_request',
];

/**
 * Where one of the cases cannot be asked, each is asked alone: what is at fault gets a result that says so, and the others theirs. The
 * answers of one block are not kept for the next: what a case is batched with would then depend on what was asked before, and with
 * it the last digit of its scores.
 */
async function resultsOf(input: CasesInput, context: CallContext): Promise<readonly CaseResult[]> {
  try {
    return await evaluate(input, context);
  } catch (thrown) {
    const error = asErrataError(thrown);
    const [only, ...others] = input.cases;
    if (context.signal.aborted || only === undefined || !faultsOfCases.includes(error.code)) throw thrown;
    if (others.length === 0) return [failedCase(only, error)];
    const results: CaseResult[] = [];
    for (const one of input.cases) results.push(...(await resultsOf({ ...input, cases: [one] }, context)));
    return results;
  }
}

export async function concludeEvaluation(
  open: OpenModel,
  { against, version, merged, results, active_edits, seconds, about }: Params<'concludeEvaluation'>,
  { onProgress, signal }: CallContext,
): Promise<ResultOf<'concludeEvaluation'>> {
  const started = performance.now();
  const [parent, candidate] = [await open.view(against), await open.view(version)];
  const corpus = await open.corpus();
  const ids =
    corpus === undefined ? [] : heldTokens(open.tokenizer(), await readHeldText(corpus), defaultPerplexityTokens);
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
    seconds: { edit: 0, evaluate: seconds + (performance.now() - started) / 1000 },
  };
  const { rows } = resultsInRows(results, active_edits);
  const outcome: EvaluationOutcome = { ...counts, ...estimatesOf(rows), gate_values: { ...gateValues(summary) } };
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
  const means = aggregate(rows).map(({ metric, version, cases, probes, value, pooled, before, delta }) => {
    return [metric, { version, cases, probes, ...value, pooled, before, delta }] as const;
  });
  // What a stream of edits keeps is said of runs that make edits, not of a version that has them.
  const ofWhole = runMetrics(rows).filter(({ metric }) => !metric.startsWith('stream.'));
  const whole = ofWhole.map(({ metric, version, value }) => [metric, { version, ...value }] as const);
  return { metrics: Object.fromEntries(means), run_metrics: Object.fromEntries(whole) };
}
