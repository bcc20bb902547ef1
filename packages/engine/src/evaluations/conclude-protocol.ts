// Sums up what an editor did under a protocol, as runs of protocols are summed up.
import {
  type AbilityTaskId,
  atTheEnd,
  type CaseResult,
  canonicalJson,
  catalogueDigest,
  type EvaluationOutcome,
  type EvaluationRow,
  type EvaluationSummary,
  gateValuesOf,
  isAbilityItem,
  resultsOf,
  type SuiteCase,
  sha256,
  taskOf,
} from '@errata/contracts';
import {
  abilitySuite,
  makeManifest,
  makeReport,
  type RunManifest,
  reportPage,
  reportRun,
  runMetrics,
} from '@errata/evaluation';
import type { Concluded, ParamsOf } from '../calls/index.ts';
import type { OpenModel } from '../models/model-store.ts';
import { heldTextOf, meansOf } from './evaluate-cases.ts';

type Params = Omit<ParamsOf<'concludeProtocol'>, 'model'>;

export async function concludeProtocol(
  open: OpenModel,
  { merged, results, cost, editor, watched, about }: Params,
): Promise<Concluded> {
  const { means, ...counts } = merged;
  const summary: EvaluationSummary = {
    ...means,
    delta_norm: null,
    perplexity: perplexityIn(atTheEnd(results)),
    seconds: { edit: cost.edit_seconds, evaluate: cost.answer_seconds },
  };
  const { rows } = resultsOf(results);
  // Thousands of answers at every checkpoint would drown those that the edits are about; those not given are told.
  const { cases } = resultsOf(results.filter(({ kind, outcome }) => kind === 'edit' || outcome === 'failed'));
  const whole = runMetrics(rows).filter(({ metric }) => editor.protocol.kind === 'lifelong' || !isOfStream(metric));
  const outcome: EvaluationOutcome = {
    ...counts,
    metrics: meansOf(inOnePlace(resultsOf(atTheEnd(results)).rows)),
    run_metrics: Object.fromEntries(whole.map(({ metric, version, value }) => [metric, { version, ...value }])),
    places: placesOf(results),
    cost,
    gate_values: gateValuesOf(results, summary),
  };
  const manifest = makeManifest({
    metrics: catalogueDigest(),
    model: open.digest,
    data: { digest: about.suite_digest, cases: about.cases, edits: about.cases, rejected: 0 },
    editor: editor.name,
    config: editor.config,
    seed: editor.seed,
    protocol: editor.protocol,
    ...(await watchedAlong(open, watched)),
  });
  const labels = { name: editor.name, model: `${about.model} at ${about.version.slice(0, 16)}`, data: about.suite };
  const title = `${editor.name} on ${about.model}`;
  const report = reportPage(
    makeReport(title, [reportRun(labels, { manifest, cases, rows, units: [{ name: 'all', cost }] })]),
  );
  return { summary, outcome, report };
}

/** What is said in a run's manifest of what was asked beside its edits. */
async function watchedAlong(
  open: OpenModel,
  watched: readonly SuiteCase[],
): Promise<Pick<RunManifest, 'held_text' | 'writers' | 'ability' | 'questions'>> {
  const text = watched.some(({ kind }) => kind === 'held_text') ? await heldTextOf(open) : undefined;
  const questions = watched.filter(({ kind }) => kind === 'question' || kind === 'probe');
  const items = watched.filter(isAbilityItem);
  const tasks = [...new Set(items.map(taskOf))];
  const suiteOf = (task: AbilityTaskId) =>
    abilitySuite(
      task,
      items.filter((item) => taskOf(item) === task),
    );
  return {
    held_text: text === undefined ? null : sha256(text),
    writers: watched.filter(({ kind }) => kind === 'text').length,
    ability: tasks.map(suiteOf).map(({ task, digest, items: count }) => ({ task, digest, items: count })),
    questions: questions.length === 0 ? null : { digest: sha256(canonicalJson(questions)), items: questions.length },
  };
}

/** Of the model's own text: before the edits, and after all of them. */
function perplexityIn(results: readonly CaseResult[]): EvaluationSummary['perplexity'] {
  const found = results.flatMap(({ kind, measures }) => (kind === 'held_text' ? measures : []));
  const [perplexity] = found;
  return perplexity === undefined || perplexity.before === null
    ? null
    : { parent: perplexity.before, candidate: perplexity.value };
}

const isOfStream = (metric: string): boolean => metric.startsWith('stream.');

/** Batches may differ in size, and single edits of a stream in what was made before: their means are one figure. */
function inOnePlace(rows: readonly EvaluationRow[]): readonly EvaluationRow[] {
  const edits = rows.reduce((most, row) => Math.max(most, row.edits), 0);
  return rows.map((row) => ({ ...row, edits }));
}

function placesOf(results: readonly CaseResult[]): EvaluationOutcome['places'] {
  const places = new Map<string, CaseResult[]>();
  for (const result of results) {
    const key = result.moment === 'curve' ? `curve ${result.edits}` : result.moment;
    places.set(key, [...(places.get(key) ?? []), result]);
  }
  return [...places.values()].map((found) => ({
    moment: found[0]!.moment,
    edits: found.reduce((most, { edits }) => Math.max(most, edits), 0),
    cases: found.length,
    failed: found.filter(({ outcome }) => outcome === 'failed').length,
    metrics: meansOf(inOnePlace(resultsOf(found).rows)),
  }));
}
