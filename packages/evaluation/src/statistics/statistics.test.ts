// Statistics of rows written by hand, and intervals against their coverage.
import { type EvaluationRow, metricCatalogue, noCost } from '@errata/contracts';
import { uniform } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { aggregate } from './aggregate.ts';
import { bootstrap, bootstrapMean } from './bootstrap.ts';
import { compareRuns } from './compare.ts';
import { costMetrics } from './cost-metrics.ts';
import { runMetrics } from './run-metrics.ts';

const row = (case_id: string, value: number, fields: Partial<EvaluationRow> = {}): EvaluationRow => ({
  case_id,
  moment: 'end',
  edits: 4,
  metric: 'reliability.token',
  version: 1,
  value,
  before: 0,
  count: 1,
  ...fields,
});

describe('bootstrap intervals', () => {
  it('are the same for the same seed and hold the mean', () => {
    const values = Array.from({ length: 60 }, (_, i) => (i % 7) / 7);
    const one = bootstrapMean(values, { seed: 5 });
    expect(bootstrapMean(values, { seed: 5 })).toEqual(one);
    expect(bootstrapMean(values, { seed: 6 })).not.toEqual(one);
    expect(one.interval!.low).toBeLessThan(one.value);
    expect(one.interval!.high).toBeGreaterThan(one.value);
  });

  it.each(['bca', 'percentile'] as const)(
    'of many skewed samples hold the true mean about as often as they say (%s)',
    (method) => {
      let held = 0;
      for (let sample = 0; sample < 200; sample++) {
        const next = uniform(sample, 3);
        const values = Array.from({ length: 40 }, () => next() ** 3);
        const { low, high } = bootstrapMean(values, { seed: sample, resamples: 300, method }).interval!;
        if (low <= 0.25 && 0.25 <= high) held++;
      }
      expect(held / 200).toBeGreaterThan(0.87);
      expect(held / 200).toBeLessThan(1);
    },
  );

  it('say nothing from one case and are a point where all cases are equal', () => {
    expect(bootstrapMean([0.5])).toEqual({ value: 0.5, interval: null });
    expect(bootstrapMean([1, 1, 1])).toEqual({ value: 1, interval: { low: 1, high: 1 } });
    expect(() => bootstrapMean([])).toThrow(RangeError);
  });

  it('of any statistic leave out draws in which there is none', () => {
    const data = [0, 0, 0, 4];
    const ratio = (indices: Uint32Array) => {
      const sum = indices.reduce((total, index) => total + data[index]!, 0);
      return sum === 0 ? Number.NaN : 1 / sum;
    };
    const { value, interval } = bootstrap(4, ratio, { seed: 1 });
    expect(value).toBe(0.25);
    expect(interval!.high).toBe(0.25);
  });
});

describe('aggregates', () => {
  it('average over cases, and over probes beside it, with the difference to the parent paired', () => {
    const rows = [row('a', 1, { count: 3 }), row('b', 0, { before: 0.5 }), row('c', 0.5, { before: null })];
    const [only] = aggregate(rows);
    expect(only).toMatchObject({ metric: 'reliability.token', moment: 'end', edits: 4, cases: 3, probes: 5 });
    expect(only!.value.value).toBe(0.5);
    expect(only!.pooled).toBeCloseTo(0.7, 12);
    expect(only!.before!.value).toBe(0.25);
    expect(only!.delta!.value).toBe(0.25);
  });

  it('keep versions, metrics and places apart, and take all that was measured at once together', () => {
    const groups = aggregate([
      row('a', 1),
      row('a', 1, { version: 2 }),
      row('a', 1, { metric: 'reliability.all' }),
      row('a', 1, { edits: 10 }),
      row('a', 1, { moment: 'once', edits: 1 }),
      row('b', 0, { moment: 'once', edits: 2 }),
    ]);
    expect(groups.map(({ moment, edits, cases }) => [moment, edits, cases])).toEqual([
      ['end', 4, 1],
      ['end', 4, 1],
      ['end', 4, 1],
      ['end', 10, 1],
      ['once', 2, 2],
    ]);
  });

  it('do not depend on the order of rows', () => {
    const rows = Array.from({ length: 30 }, (_, i) => row(`case ${i}`, Math.sin(i) ** 2));
    expect(aggregate(rows.toReversed())).toEqual(aggregate(rows));
  });
});

describe('comparisons', () => {
  it('count wins and losses by case and list the worst regression first', () => {
    const one = [row('a', 1), row('b', 0.5), row('c', 0), row('d', 1), row('gone', 1)];
    const other = [row('a', 0.5), row('b', 0.5), row('c', 1), row('d', 0), row('new', 1)];
    const [comparison] = compareRuns(one, other);
    expect(comparison).toMatchObject({
      cases: 4,
      wins: 1,
      losses: 2,
      ties: 1,
      onlyInOne: ['gone'],
      onlyInOther: ['new'],
    });
    expect(comparison!.difference!.value).toBe(-0.125);
    expect(comparison!.regressions.map(({ case_id }) => case_id)).toEqual(['d', 'a']);
    expect(comparison!.improvements).toEqual([{ case_id: 'c', one: 0, other: 1 }]);
  });

  it('of a run with itself find nothing', () => {
    const rows = [row('a', 1), row('b', 0.5)];
    expect(compareRuns(rows, rows)).toMatchObject([
      { wins: 0, losses: 0, ties: 2, difference: { value: 0, interval: { low: 0, high: 0 } } },
    ]);
  });

  it('know that a perplexity is better when it is lower', () => {
    const perplexity = (value: number) => [row('text', value, { metric: 'perplexity', before: null })];
    expect(compareRuns(perplexity(10), perplexity(20))).toMatchObject([{ wins: 0, losses: 1 }]);
  });

  it('put what is surely worse before what is better', () => {
    const many = (metric: string, value: number) =>
      Array.from({ length: 20 }, (_, i) => row(`${i}`, value + i / 1000, { metric }));
    const one = [...many('reliability.token', 0.2), ...many('locality.token', 0.9), ...many('locality.all', 0.5)];
    const other = [...many('reliability.token', 0.9), ...many('locality.token', 0.3), ...many('locality.all', 0.5)];
    expect(compareRuns(one, other).map(({ metric }) => metric)).toEqual([
      'locality.token',
      'locality.all',
      'reliability.token',
    ]);
  });

  it('never hold a metric against another version of it', () => {
    const comparisons = compareRuns([row('a', 1)], [row('a', 0, { version: 2 })]);
    expect(comparisons.map(({ version, cases, difference }) => [version, cases, difference])).toEqual([
      [1, 0, null],
      [2, 0, null],
    ]);
  });
});

describe('metrics of a run', () => {
  const found = (rows: readonly EvaluationRow[]) =>
    Object.fromEntries(runMetrics(rows).map(({ metric, value }) => [metric, value.value]));

  it('take the harmonic mean of the means, not the mean of harmonic means', () => {
    const rows = [
      ...[1, 1, 0, 0].map((value, i) => row(`${i}`, value, { metric: 'efficacy.score' })),
      ...[1, 0, 0, 0].map((value, i) => row(`${i}`, value, { metric: 'paraphrase.score' })),
      ...[1, 1].map((value, i) => row(`${i}`, value, { metric: 'neighbourhood.score' })),
    ];
    expect(found(rows)).toEqual({ rome_score: expect.closeTo(3 / (1 / 0.5 + 1 / 0.25 + 1), 12) });
    expect(found(rows.slice(0, 8))).toEqual({});
  });

  it('tell success at once from what is kept at the end', () => {
    const accuracy = (id: string, before: number, value: number) =>
      row(id, value, { metric: 'accuracy.token', before, edits: 2 });
    const rows = [
      row('a', 1, { moment: 'once', edits: 1 }),
      row('b', 1, { moment: 'once', edits: 2 }),
      row('a', 0, { moment: 'curve', edits: 1 }),
      row('a', 0, { edits: 2 }),
      row('b', 1, { edits: 2 }),
      row('a', 0.25, { moment: 'once', edits: 1, metric: 'generalization.token' }),
      accuracy('x', 1, 0.5),
      accuracy('y', 1, 1),
      accuracy('z', 0, 0),
    ];
    expect(found(rows)).toEqual({
      'stream.success.token': 1,
      'stream.generalization.token': 0.25,
      'stream.retention.token': 0.5,
      'stream.test_retention.token': 0.5,
      'stream.test_ratio.token': 0.75,
      'stream.accurate_retention.token': 0.75,
    });
    // Each edit by itself is no stream.
    expect(found(rows.filter(({ moment }) => moment === 'once'))).toEqual({});
  });
});

describe('costs', () => {
  it('are told for an edit and for an answer, under names of the catalogue', () => {
    const cost = { edits: 4, edit_seconds: 2, answers: 10, answer_seconds: 5, answer_tokens: 200, stored_bytes: 400 };
    const found = costMetrics({ ...cost, peak_bytes: 1e9 });
    expect(found).toEqual({
      'cost.edit_seconds': 0.5,
      'cost.answer_seconds': 0.5,
      'cost.answer_tokens': 20,
      'cost.peak_memory': 1e9,
      'cost.stored_bytes': 100,
    });
    for (const id of Object.keys(found))
      expect(metricCatalogue.get(id)).toMatchObject({ level: 'run', better: 'lower' });
  });

  it('of nothing are not zero', () => expect(costMetrics(noCost)).toEqual({}));
});
