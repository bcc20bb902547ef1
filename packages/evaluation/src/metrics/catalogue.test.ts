// The catalogue is closed: counting it makes every addition a decision.
import { metricIdSchema } from '@errata/contracts';
import { expect, it } from 'vitest';
import { metric, metricCatalogue, metricFamilies } from './catalogue.ts';

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
