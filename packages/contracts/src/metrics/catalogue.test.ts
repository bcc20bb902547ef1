// The catalogue is closed: counting it makes every addition a decision.
import { expect, it } from 'vitest';
import { metricIdSchema } from '../wire/evaluation-rows.ts';
import { catalogueDigest, gateMetrics, metric, metricCatalogue, metricFamilies } from './catalogue.ts';

it('counts its metrics, each under one name that rows can carry', () => {
  const all = metricFamilies.flatMap(({ metrics }) => metrics);
  expect(all).toHaveLength(metricCatalogue.size);
  expect(metricFamilies.map(({ title, metrics }) => `${title}: ${metrics.length}`)).toEqual([
    'Answers held against a target: 21',
    'Answers held against another version: 30',
    'Probabilities of new and true answer: 10',
    'Text: 4',
    'Streams of edits: 18',
    'Multi-hop questions: 3',
    'Ripple effects: 6',
    'General ability: 25',
    'Cost: 6',
    'Candidates: 4',
  ]);
  for (const { id, version } of all) {
    expect(metricIdSchema.safeParse(id).success).toBe(true);
    expect(version).toBeGreaterThanOrEqual(1);
  }
});

it('says what it knows of a metric and names one that it does not know', () => {
  expect(metric('locality.neighbourhood.exact')).toMatchObject({ unit: 'fraction', better: 'higher', level: 'case' });
  expect(() => metric('locality.moon')).toThrow('no "locality.moon"');
});

it('is known to runs by the digest that they were begun under', () => {
  // What a run's manifest holds: another digest means that no run of before can be gone on with.
  expect(catalogueDigest()).toBe('24aef9be7937cacdb038347afab4e85cd1bb465c2fced713108a846f19402cfa');
});

it('gives every name that a gate knows to one metric, which keeps its own where it has words', () => {
  const names = metricFamilies.flatMap(({ metrics }) => metrics.flatMap(({ gate }) => gate?.names ?? []));
  expect(names).toEqual([...new Set(names)]);
  expect(names).toEqual(gateMetrics);
  for (const { id, gate } of metricCatalogue.values()) if (gate !== undefined) expect(gate.names).toContain(id);
});
