// Sums up what an editor did under a protocol, as runs of protocols are summed up.
import {
  atTheEnd,
  type CaseResult,
  type EvaluationOutcome,
  type EvaluationRow,
  type EvaluationSummary,
  resultsOf,
} from '@errata/contracts';
import {
  catalogueDigest,
  gateValues,
  makeManifest,
  makeReport,
  reportPage,
  reportRun,
  runMetrics,
} from '@errata/evaluation';
import { meansOf } from './evaluate-cases.ts';
import type { Concluded, ParamsOf } from './protocol.ts';

export function concludeProtocol({
  digest,
  merged,
  results,
  cost,
  editor,
  about,
}: ParamsOf<'concludeProtocol'>): Concluded {
  const { means, ...counts } = merged;
  const summary: EvaluationSummary = {
    ...means,
    delta_norm: null,
    perplexity: null,
    seconds: { edit: cost.edit_seconds, evaluate: cost.answer_seconds },
  };
  const { cases, rows } = resultsOf(results);
  const whole = runMetrics(rows).filter(({ metric }) => editor.protocol.kind === 'lifelong' || !isOfStream(metric));
  const outcome: EvaluationOutcome = {
    ...counts,
    metrics: meansOf(inOnePlace(resultsOf(atTheEnd(results)).rows)),
    run_metrics: Object.fromEntries(whole.map(({ metric, version, value }) => [metric, { version, ...value }])),
    places: placesOf(results),
    cost,
    gate_values: { ...gateValues(summary) },
  };
  const manifest = makeManifest({
    metrics: catalogueDigest(),
    model: digest,
    data: { digest: about.suite_digest, cases: about.cases, edits: about.cases, rejected: 0 },
    editor: editor.name,
    config: editor.config,
    seed: editor.seed,
    protocol: editor.protocol,
    held_text: null,
    writers: 0,
    ability: [],
    questions: null,
  });
  const labels = { name: editor.name, model: `${about.model} at ${about.version.slice(0, 16)}`, data: about.suite };
  const title = `${editor.name} on ${about.model}`;
  const report = reportPage(
    makeReport(title, [reportRun(labels, { manifest, cases, rows, units: [{ name: 'all', cost }] })]),
  );
  return { summary, outcome, report };
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
