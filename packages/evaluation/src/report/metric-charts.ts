// The curves of a report: what is left of the edits, and of the model, against the number of edits in it.
import { figure, figureBefore } from './figures.ts';
import type { ChartPoint, ChartSeries, LineChart } from './line-chart.ts';
import type { ReportRun } from './runs.ts';

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
function abilityCurves(runs: readonly ReportRun[]): readonly Curve[] {
  const tasks = new Map<string, string>();
  for (const { means } of runs)
    for (const { metric } of means) {
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

function pointsOf(run: ReportRun, { metric, times = 1 }: Curve): readonly ChartPoint[] {
  return run.places.flatMap((place) => {
    if (place.moment === 'once') return [];
    const found = figure(run, metric, place);
    if (found === null) return [];
    const { value, low, high } = found;
    const band = low !== undefined && high !== undefined && { low: times * low, high: times * high };
    return [{ x: place.edits, y: times * value, ...band }];
  });
}

/** Batches of several sizes, run one after another, are points of one line. */
function seriesOf(runs: readonly ReportRun[], curve: Curve): readonly ChartSeries[] {
  const names = [...new Set(runs.map(({ labels }) => labels.name))];
  return names.map((name, colour) => ({
    name,
    colour: colour % 8,
    dashed: colour >= 8,
    points: runs
      .filter(({ labels }) => labels.name === name)
      .flatMap((run) => pointsOf(run, curve))
      .sort((a, b) => a.x - b.x),
  }));
}

function referenceOf(runs: readonly ReportRun[], { metric, times = 1 }: Curve): number | undefined {
  for (const run of runs)
    for (const place of [...run.places].reverse()) {
      if (place.moment === 'once') continue;
      const before = figureBefore(run, metric, place);
      if (before !== null) return times * before.value;
    }
  return undefined;
}

/** Charts of those metrics that were measured with several numbers of edits. */
export function metricCharts(runs: readonly ReportRun[]): readonly LineChart[] {
  const edited = runs.filter(({ manifest }) => manifest.editor !== 'none');
  return [...edits, ...whole, ...abilityCurves(edited)].flatMap((curve) => {
    const { title, unit, reference } = curve;
    const series = seriesOf(edited, curve);
    if (series.every(({ points }) => points.length < 2)) return [];
    const y = reference ? referenceOf(edited, curve) : undefined;
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
