// A run in numbers: means by place and metric, what failed, what it cost.
import {
  addCosts,
  type Cost,
  checkpointsOf,
  type EvaluationCase,
  type EvaluationRow,
  type Moment,
  mergeResults,
  normaliseAnswer,
  resultsDigest,
} from '@errata/contracts';
import { efficiencyUnits } from '../protocols/efficiency.ts';
import type { Place } from '../protocols/measure-cases.ts';
import { type RunManifest, readLines, readManifest, runDigest, type Unit } from '../protocols/run-directory.ts';
import { type Aggregate, aggregate } from '../statistics/aggregate.ts';
import { type RunMetric, runMetrics } from '../statistics/run-metrics.ts';

/** Cases that were asked about at a place. Right after each edit there are as many places as edits, which count as one. */
export interface PlaceCount {
  readonly moment: Moment;
  /** Edits in the model; the most, where they count as one place. */
  readonly edits: number;
  readonly cases: number;
  readonly failed: number;
}

export interface RunSummary {
  /** Digest of the manifest: what was run. */
  readonly run: string;
  /** Digest of all cases and rows: equal for equal results, however often the run was stopped. */
  readonly results: string;
  readonly manifest: RunManifest;
  /** In the order of the protocol. */
  readonly places: readonly PlaceCount[];
  /** Means over the cases that could be asked about, by metric and place. */
  readonly means: readonly Aggregate[];
  readonly run_metrics: readonly RunMetric[];
  /** Edits that share a prompt with another that wants another answer, where they meet in one model. */
  readonly contradicting: number;
  /** Cases that failed: reported, never dropped. */
  readonly failures: readonly EvaluationCase[];
  readonly cost: Cost;
  /** Of the protocol that measures nothing else; empty of others. */
  readonly efficiency: readonly EfficiencyStep[];
}

/** What edits and answers cost at a checkpoint, answers one at a time. */
export interface EfficiencyStep {
  readonly edits: number;
  /** Of the edits since the checkpoint before. */
  readonly edit_seconds: number;
  readonly stored_bytes: number;
  readonly answer_seconds: number;
  /** The unedited model's, taken by turns with the edited one's. */
  readonly base_answer_seconds: number;
}

/** All that a run found. */
export interface RunFindings {
  readonly manifest: RunManifest;
  readonly cases: readonly EvaluationCase[];
  readonly rows: readonly EvaluationRow[];
  readonly units: readonly Unit[];
}

/** Reads a run, in canonical order. @throws RangeError where the directory holds none */
export async function readFindings(directory: string): Promise<RunFindings> {
  const manifest = await readManifest(directory);
  if (manifest === undefined) throw new RangeError(`${directory} holds no run`);
  const cases: EvaluationCase[] = [];
  const rows: EvaluationRow[] = [];
  const units: Unit[] = [];
  for await (const line of readLines(directory)) {
    if ('case' in line) cases.push(line.case);
    else if ('row' in line) rows.push(line.row);
    else units.push(line.unit);
  }
  return { manifest, ...mergeResults([{ cases, rows }]), units };
}

/** Sums a run up. */
export function summarise({ manifest, cases, rows, units }: RunFindings): RunSummary {
  const alike = inOnePlace(manifest, rows);
  const failures = cases.filter(({ outcome }) => outcome === 'failed');
  return {
    run: runDigest(manifest),
    results: resultsDigest({ cases, rows }),
    manifest,
    places: countPlaces(inOnePlace(manifest, cases)),
    means: aggregate(alike),
    run_metrics: runMetrics(alike),
    contradicting: countContradicting(manifest, cases),
    failures,
    cost: addCosts(units.map(({ cost }) => cost)),
    efficiency: efficiencySteps(manifest, units),
  };
}

function efficiencySteps({ protocol, data }: RunManifest, units: readonly Unit[]): readonly EfficiencyStep[] {
  if (protocol.kind !== 'efficiency') return [];
  const costs = new Map(units.map(({ name, cost }) => [name, cost]));
  return [...checkpointsOf(protocol, data.cases)].flatMap((edits): EfficiencyStep[] => {
    const names = efficiencyUnits(edits);
    const [made, base, edited] = [costs.get(names.edits), costs.get(names.base), costs.get(names.edited)];
    if (made === undefined || base === undefined || edited === undefined) return [];
    return [
      {
        edits,
        edit_seconds: made.edit_seconds / Math.max(1, made.edits),
        stored_bytes: made.stored_bytes / Math.max(1, made.edits),
        answer_seconds: edited.answer_seconds / edited.answers,
        base_answer_seconds: base.answer_seconds / base.answers,
      },
    ];
  });
}

function countContradicting({ protocol }: RunManifest, cases: readonly EvaluationCase[]): number {
  if (protocol.kind !== 'lifelong' && protocol.kind !== 'batch') return 0;
  const targets = new Map<string, string[]>();
  // Probes that could not be asked have no prompt.
  for (const { moment, prompt, target } of cases)
    if (moment === 'end' && prompt !== '')
      targets.set(prompt, [...(targets.get(prompt) ?? []), normaliseAnswer(target)]);
  return [...targets.values()].reduce((sum, found) => sum + (new Set(found).size > 1 ? found.length : 0), 0);
}

/** The last batch may be smaller than the others; its cases count with them. */
export function inOnePlace<T extends Place>({ protocol }: RunManifest, rows: readonly T[]): readonly T[] {
  if (protocol.kind !== 'batch') return rows;
  const edits = rows.reduce((most, row) => Math.max(most, row.edits), 0);
  return rows.map((row) => ({ ...row, edits }));
}

const moments: readonly Moment[] = ['once', 'curve', 'end'];

function countPlaces(cases: readonly EvaluationCase[]): readonly PlaceCount[] {
  const places = new Map<string, PlaceCount>();
  for (const { moment, edits, outcome } of cases) {
    const key = moment === 'once' ? moment : `${moment} ${edits}`;
    const known = places.get(key) ?? { moment, edits: 0, cases: 0, failed: 0 };
    places.set(key, {
      moment,
      edits: Math.max(known.edits, edits),
      cases: known.cases + 1,
      failed: known.failed + (outcome === 'failed' ? 1 : 0),
    });
  }
  return [...places.values()].sort(
    (a, b) => moments.indexOf(a.moment) - moments.indexOf(b.moment) || a.edits - b.edits,
  );
}

export const summariseRun = async (directory: string): Promise<RunSummary> => summarise(await readFindings(directory));
