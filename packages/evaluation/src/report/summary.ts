// A run in numbers: means by place and metric, what failed, what it cost.
import {
  addCosts,
  type Cost,
  type EvaluationCase,
  type EvaluationRow,
  type Moment,
  mergeResults,
  resultsDigest,
} from '@errata/contracts';
import type { Place } from '../protocols/measure-cases.ts';
import { type RunManifest, readLines, readManifest, runDigest } from '../protocols/run-directory.ts';
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
  /** Cases that failed: reported, never dropped. */
  readonly failures: readonly EvaluationCase[];
  readonly cost: Cost;
}

/** All that a run found. */
export interface RunFindings {
  readonly manifest: RunManifest;
  readonly cases: readonly EvaluationCase[];
  readonly rows: readonly EvaluationRow[];
  readonly cost: Cost;
}

/** Reads a run, in canonical order. @throws RangeError where the directory holds none */
export async function readFindings(directory: string): Promise<RunFindings> {
  const manifest = await readManifest(directory);
  if (manifest === undefined) throw new RangeError(`${directory} holds no run`);
  const cases: EvaluationCase[] = [];
  const rows: EvaluationRow[] = [];
  const costs: Cost[] = [];
  for await (const line of readLines(directory)) {
    if ('case' in line) cases.push(line.case);
    else if ('row' in line) rows.push(line.row);
    else costs.push(line.unit.cost);
  }
  return { manifest, ...mergeResults([{ cases, rows }]), cost: addCosts(costs) };
}

/** Sums a run up. */
export function summarise({ manifest, cases, rows, cost }: RunFindings): RunSummary {
  const alike = inOnePlace(manifest, rows);
  const failures = cases.filter(({ outcome }) => outcome === 'failed');
  return {
    run: runDigest(manifest),
    results: resultsDigest({ cases, rows }),
    manifest,
    places: countPlaces(inOnePlace(manifest, cases)),
    means: aggregate(alike),
    run_metrics: runMetrics(alike),
    failures,
    cost,
  };
}

/** The last batch may be smaller than the others; its cases count with them. */
function inOnePlace<T extends Place>({ protocol }: RunManifest, rows: readonly T[]): readonly T[] {
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
