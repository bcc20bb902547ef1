// The catalogue of metrics: every one has an id, a version and a definition, and docs/metrics.md is made of them.

import { canonicalJson, sha256 } from '@errata/contracts';
import { abilities } from './catalogue/ability.ts';
import { agreements, targets } from './catalogue/answers.ts';
import { costs } from './catalogue/costs.ts';
import type { MetricDefinition, MetricFamily } from './catalogue/definition.ts';
import { probabilities, text } from './catalogue/probabilities.ts';
import { multiHop, ripples } from './catalogue/reasoning.ts';
import { streams } from './catalogue/streams.ts';

/** In the order in which reports and documentation give them. */
export const metricFamilies: readonly MetricFamily[] = [
  targets,
  agreements,
  probabilities,
  text,
  streams,
  multiHop,
  ripples,
  abilities,
  costs,
];

/** All metrics by id. */
export const metricCatalogue: ReadonlyMap<string, MetricDefinition> = new Map(
  metricFamilies.flatMap(({ metrics }) => metrics.map((metric) => [metric.id, metric])),
);

/** Of all ids with their versions: runs under equal digests measure the same. */
export const catalogueDigest = (): string =>
  sha256(canonicalJson([...metricCatalogue.values()].map(({ id, version }) => [id, version])));

/** A metric's definition. @throws RangeError where the catalogue has none of that id */
export function metric(id: string): MetricDefinition {
  const definition = metricCatalogue.get(id);
  if (definition === undefined) throw new RangeError(`the catalogue of metrics has no ${JSON.stringify(id)}`);
  return definition;
}
