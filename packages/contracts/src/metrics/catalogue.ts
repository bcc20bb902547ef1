// The catalogue of metrics: every one has an id, a version and a definition, and docs/metrics.md is made of them.
import { canonicalJson, sha256 } from '../text/canonical.ts';
import { abilities } from './ability.ts';
import { agreements, targets } from './answers.ts';
import { candidates } from './candidates.ts';
import { costs } from './costs.ts';
import type { MetricDefinition, MetricFamily } from './definition.ts';
import { probabilities, text } from './probabilities.ts';
import { multiHop, ripples } from './reasoning.ts';
import { streams } from './streams.ts';

/** In the order in which reports and documentation give them. */
const families = [
  targets,
  agreements,
  probabilities,
  text,
  streams,
  multiHop,
  ripples,
  abilities,
  costs,
  candidates,
] as const;

export const metricFamilies: readonly MetricFamily[] = families;

/** All metrics by id. */
export const metricCatalogue: ReadonlyMap<string, MetricDefinition> = new Map(
  metricFamilies.flatMap(({ metrics }) => metrics.map((metric) => [metric.id, metric])),
);

/** Of the ids that runs have figures of, with their versions: runs under equal digests measure the same. */
export const catalogueDigest = (): string =>
  sha256(
    canonicalJson(
      [...metricCatalogue.values()].flatMap(({ id, version, level }) => (level === 'candidate' ? [] : [[id, version]])),
    ),
  );

/** A metric's definition. @throws RangeError where the catalogue has none of that id */
export function metric(id: string): MetricDefinition {
  const definition = metricCatalogue.get(id);
  if (definition === undefined) throw new RangeError(`the catalogue of metrics has no ${JSON.stringify(id)}`);
  return definition;
}

/** What a gate's rules may call metrics. */
export type GateMetric = (typeof families)[number] extends MetricFamily<infer Name> ? Name : never;

const bounded: ReadonlyMap<string, MetricDefinition<GateMetric>> = new Map(
  families.flatMap((each: MetricFamily<GateMetric>) =>
    each.metrics.flatMap((definition) => (definition.gate?.names ?? []).map((name) => [name, definition] as const)),
  ),
);

/** In the order of the catalogue. */
export const gateMetrics = [...bounded.keys()] as readonly GateMetric[];

/** The metric that a rule by this name bounds; undefined where there is none of that name. */
export const boundedMetric = (name: string): MetricDefinition<GateMetric> | undefined => bounded.get(name);

/** How a rule by this name bounds its metric; undefined where there is none of that name. */
export const gateUse = (name: string): MetricDefinition<GateMetric>['gate'] => boundedMetric(name)?.gate;

/** Metrics whose questions, an answer weighed against its rival, are asked only where somebody looks at them. */
export const weighsRivals = (name: string): boolean =>
  probabilities.metrics.some(({ gate }) => gate?.names.some((known) => known === name));
