// Figures: what was found of metrics, pooled over probes, and what rules of gates make of them. The one path to a gate's values.
import { type GateMetric, metricCatalogue } from '../metrics/catalogue.ts';
import type { EvaluationSummary } from '../wire/results.ts';

/** What was found of a metric. */
export interface Figure {
  readonly metric: string;
  /** On the version in question. */
  readonly value: number;
  /** On the version that it is compared with; null where the metric is itself a comparison, or was not measured there. */
  readonly before: number | null;
}

/** A figure with how many probes it is the mean of. */
export interface CountedFigure extends Figure {
  readonly count: number;
}

/**
 * The mean of every metric over probes: a case counts as often as it has probes. In order of metrics; sums run in the order in which
 * figures are given.
 */
export function pooledFigures(figures: Iterable<CountedFigure>): readonly CountedFigure[] {
  const byMetric = new Map<string, CountedFigure[]>();
  for (const figure of figures) {
    const known = byMetric.get(figure.metric);
    if (known === undefined) byMetric.set(figure.metric, [figure]);
    else known.push(figure);
  }
  const pooled = [...byMetric].map(([metric, list]): CountedFigure => {
    const count = list.reduce((sum, figure) => sum + figure.count, 0);
    const mean = (of: (figure: CountedFigure) => number) =>
      list.reduce((sum, figure) => sum + of(figure) * figure.count, 0) / count;
    const before = list.every((figure) => figure.before !== null) ? mean((figure) => figure.before ?? 0) : null;
    return { metric, value: mean(({ value }) => value), before, count };
  });
  return pooled.sort((a, b) => (a.metric < b.metric ? -1 : 1));
}

/** What a summary says of versions as wholes: how far the weights moved, and how well a held text is foretold. */
export const figuresOfVersions = ({
  delta_norm,
  perplexity,
}: Pick<EvaluationSummary, 'delta_norm' | 'perplexity'>): readonly Figure[] => [
  ...(delta_norm === null ? [] : [{ metric: 'delta_norm', value: delta_norm, before: null }]),
  ...(perplexity === null
    ? []
    : [
        { metric: 'perplexity', value: perplexity.candidate, before: perplexity.parent },
        { metric: 'perplexity_ratio', value: perplexity.candidate / perplexity.parent, before: null },
      ]),
];

/** What a rule looks at: a metric, where it is not the usual one with what it is held against. */
export type GateReading = GateMetric | `${GateMetric}@${'parent' | 'base'}`;
export type GateValues = Readonly<Partial<Record<GateReading, number>>>;

/** Which versions of the gate's the one is that figures compare with. It may be both, and it may be neither. */
export interface ComparedWith {
  readonly parent: boolean;
  readonly base: boolean;
}

/**
 * Figures under every name that rules have for them. Agreement and change are against the version compared with: where that is neither
 * the parent nor the base of the branch, only what the version has by itself is left. What was not measured is absent, so that a rule on
 * it is reported as not applicable instead of passing or failing on a made-up number.
 */
export function gateValues(figures: Iterable<Figure>, against: ComparedWith): GateValues {
  const values: Partial<Record<GateReading, number>> = {};
  for (const { metric, value, before } of figures) {
    const use = metricCatalogue.get(metric)?.gate;
    for (const name of (use?.names ?? []) as readonly GateMetric[]) {
      if (use?.as === 'comparison') {
        if (against.parent) values[name] = value;
        if (against.base) values[`${name}@base`] = value;
        continue;
      }
      values[name] = value;
      if (before !== null && against.parent) values[`${name}@parent`] = value - before;
      if (before !== null && against.base) values[`${name}@base`] = value - before;
    }
  }
  return values;
}
