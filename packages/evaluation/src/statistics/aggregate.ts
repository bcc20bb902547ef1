// Means over cases with their intervals: what a table of results is made of.
import type { EvaluationRow } from '@errata/contracts';
import { mean } from '../metrics/means.ts';
import { type BootstrapOptions, bootstrapMean, type Estimate } from './bootstrap.ts';
import { groupRows, type RowGroup } from './places.ts';

/** One metric at one place of a protocol. */
export interface Aggregate extends Omit<RowGroup, 'rows'> {
  readonly cases: number;
  /** Probes of all cases together. */
  readonly probes: number;
  /** Mean over cases, each counting once. */
  readonly value: Estimate;
  /** Mean over probes, each counting once: differs from `value` where cases have unequal numbers of them. */
  readonly pooled: number;
  /** The same of the parent, over the cases that were measured there; null where none was. */
  readonly before: Estimate | null;
  /** Mean difference to the parent, case by case: narrower than what the two intervals suggest. */
  readonly delta: Estimate | null;
}

/** Averages rows by metric, version and place, in the order in which these first come. */
export const aggregate = (rows: Iterable<EvaluationRow>, options: BootstrapOptions = {}): readonly Aggregate[] =>
  [...groupRows(rows).values()].map((group) => aggregateGroup(group, options));

function aggregateGroup({ rows, ...place }: RowGroup, options: BootstrapOptions): Aggregate {
  const probes = rows.reduce((sum, { count }) => sum + count, 0);
  const compared = rows.flatMap(({ value, before }) => (before === null ? [] : [{ value, before }]));
  const estimate = (values: readonly number[]) => (values.length === 0 ? null : bootstrapMean(values, options));
  return {
    ...place,
    cases: rows.length,
    probes,
    value: bootstrapMean(
      rows.map(({ value }) => value),
      options,
    ),
    pooled: mean(rows.map(({ value, count }) => value * count)) * (rows.length / probes),
    before: estimate(compared.map(({ before }) => before)),
    delta: estimate(compared.map(({ value, before }) => value - before)),
  };
}
