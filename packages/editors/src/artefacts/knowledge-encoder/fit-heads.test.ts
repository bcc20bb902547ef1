// Heads fitted before the first step: queries that were not fitted to find their corrections, and the sentinel stands between.
import { encodeKnowledgeEncoder, openKnowledgeEncoder } from '@errata/models';
import { afterAll, describe, expect, it } from 'vitest';
import { tinyGpt2, tinyModel } from '../../tiny-model.fixture.ts';
import type { TrainingRecord } from '../../training/records.ts';
import { fitHeads } from './fit-heads.ts';
import { initialEncoder } from './initial.ts';
import { trainingSettings } from './request.ts';

const model = tinyModel(tinyGpt2, 5);
afterAll(() => model.release());

const item = (query: string, target = 'x') => ({ query, target, join: undefined });
/** Two facts of each pair of words, in two wordings each. */
const names = ['Anna', 'Boris', 'Clara', 'Dmitri', 'Elena', 'red', 'blue', 'green', 'old', 'French'];
const records = names.flatMap((first, a) =>
  names.slice(a + 1).flatMap((second, b): TrainingRecord[] => {
    const name = `${first} ${second}`;
    const fact = (prompt: string, rewording: string, answers: readonly string[]) => ({
      statement: `${prompt} ${answers[(a + b) % answers.length]}`,
      reliability: item(prompt),
      generality: [[item(rewording)]],
      locality: [[item(`the city of ${name} was`)]],
    });
    return [
      fact(`The ${name} lives in`, `Therefore home at ${name} is`, ['Paris', 'Rome', 'Oslo']),
      fact(`I nobody knows ${name} plays`, `You while ${name} speaks`, ['piano', 'cello', 'drums']),
    ];
  }),
);
const [fitted, held] = [records.filter((_, at) => at % 6 > 1), records.filter((_, at) => at % 6 <= 1)];

/** Shares of the queries of records that are given their own statement, among all; of others that are given none. */
async function found(fit: boolean) {
  const settings = trainingSettings(3, { representation: 32, encoder_layers: 1, sentinel_tokens: 3, seed: 7 });
  const initial = await initialEncoder(undefined, settings, model);
  if (fit) await fitHeads(initial, model, fitted);
  expect(encodeKnowledgeEncoder({ ...initial, model: 'tiny', details: {} }).length).toBeGreaterThan(0);
  const encoder = openKnowledgeEncoder({ ...initial, model: 'tiny', details: {} }, model);
  const { representations } = await encoder.statements(held.map(({ statement }) => statement));
  const sentinel = await encoder.sentinel();
  const size = sentinel.length;
  const score = (query: Float32Array, other: Float32Array) => query.reduce((sum, x, i) => sum + x * other[i]!, 0);
  const share = async (of: (record: TrainingRecord) => string, own: boolean) => {
    const queries = await encoder.queries(held.map(of));
    const hits = held.filter((_, at) => {
      const query = queries.subarray(at * size, (at + 1) * size);
      const scores = held.map((_other, j) => score(query, representations.subarray(j * size, (j + 1) * size)));
      const best = Math.max(...scores);
      return own ? scores.indexOf(best) === at : best <= score(query, sentinel);
    });
    return hits.length / held.length;
  };
  const shares = {
    own: await share(({ reliability }) => reliability.query, true),
    reworded: await share(({ generality }) => generality[0]![0]!.query, true),
    left: await share(() => 'so in of a language work', false),
  };
  await encoder.release();
  return shares;
}

describe('heads that are fitted to edits', () => {
  it('have prompts and rewordings that were not fitted to find their corrections, before any step', async () => {
    const [random, ours] = [await found(false), await found(true)];
    expect(ours.own).toBeGreaterThan(0.9);
    expect(ours.reworded).toBeGreaterThan(0.9);
    expect(random.reworded).toBeLessThan(0.2);
    expect(ours.left).toBe(1);
  });
});
