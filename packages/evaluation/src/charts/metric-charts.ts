// The curves of a report: what is left of the edits, and of the model, against the number of edits in it.
import { seriesColours } from './chart-style.ts';
import type { ChartPoint, ChartSeries, LineChart } from './line-chart.ts';

/** What was found with several numbers of edits in a model, by an editor or an evaluation. */
export interface CurvedRun {
  readonly name: string;
  /** All metrics that it has. */
  readonly metrics: Iterable<string>;
  /** A metric against the number of edits, in ascending order. */
  readonly points: (metric: string) => readonly ChartPoint[];
  /** Of the model without edits; undefined where that is not known. */
  readonly before: (metric: string) => number | undefined;
}

interface Curve {
  readonly title: string;
  readonly metric: string;
  readonly unit: LineChart['unit'];
  /** What its values are drawn times. */
  readonly times?: number;
  /** Whether the unedited model's value is worth a line. */
  readonly reference: boolean;
}

const edits: readonly Curve[] = (
  [
    ['exact', 'by free generation'],
    ['token', 'by token'],
  ] as const
).flatMap(([reading, how]) =>
  (
    [
      ['reliability', 'Reliability', true],
      ['generalization', 'Generalization', true],
      ['locality', 'Locality', false],
    ] as const
  ).map(([stem, title, reference]) => ({
    title: `${title}, ${how}`,
    metric: `${stem}.${reading}`,
    unit: 'share' as const,
    reference,
  })),
);

const whole: readonly Curve[] = [
  { title: 'Perplexity of held text', metric: 'perplexity', unit: 'count', reference: true },
  // As papers print it, and the tables of this report.
  { title: 'Fluency: n-gram entropy × 100', metric: 'ngram_entropy', unit: 'count', times: 100, reference: true },
];

/** The first score of each task of general ability. */
function abilityCurves(runs: readonly CurvedRun[]): readonly Curve[] {
  const tasks = new Map<string, string>();
  for (const { metrics } of runs)
    for (const metric of metrics) {
      const [stem, task = '', score = ''] = metric.split('.');
      // Reading is quoted by F1, choices by the first score that they have.
      if (stem === 'ability' && (!tasks.has(task) || score === 'f1')) tasks.set(task, metric);
    }
  return [...tasks].map(([task, metric]) => ({
    title: `Ability: ${task.replaceAll('_', ' ')}, ${metric.split('.')[2]!.replaceAll('_', ' ')}`,
    metric,
    unit: 'share' as const,
    reference: true,
  }));
}

const scaled = ({ x, y, low, high }: ChartPoint, times: number): ChartPoint => ({
  x,
  y: times * y,
  ...(low !== undefined && high !== undefined && { low: times * low, high: times * high }),
});

/** Batches of several sizes, run one after another, are points of one line. */
function seriesOf(runs: readonly CurvedRun[], { metric, times = 1 }: Curve): readonly ChartSeries[] {
  const names = [...new Set(runs.map(({ name }) => name))];
  return names.map((name, colour) => ({
    name,
    colour: colour % seriesColours,
    dashed: colour >= seriesColours,
    points: runs
      .filter((run) => run.name === name)
      .flatMap((run) => run.points(metric).map((point) => scaled(point, times)))
      .sort((a, b) => a.x - b.x),
  }));
}

function referenceOf(runs: readonly CurvedRun[], { metric, times = 1 }: Curve): number | undefined {
  for (const run of runs) {
    const before = run.before(metric);
    if (before !== undefined) return times * before;
  }
  return undefined;
}

/** Charts of those metrics that were measured with several numbers of edits. */
export function metricCharts(runs: readonly CurvedRun[]): readonly LineChart[] {
  return [...edits, ...whole, ...abilityCurves(runs)].flatMap((curve) => {
    const { title, unit, reference } = curve;
    const series = seriesOf(runs, curve);
    if (series.every(({ points }) => points.length < 2)) return [];
    const y = reference ? referenceOf(runs, curve) : undefined;
    return [
      {
        title,
        xLabel: 'edits in the model',
        unit,
        series,
        ...(y !== undefined && { reference: { name: 'no edit', y } }),
      },
    ];
  });
}
