// Scoped rows: what is stored of them, what they add up to, and that the search finds what looking at every row finds.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Counterfactual } from '../../counterfactual/counterfactual-model.ts';
import { parseSafetensors } from '../../files/safetensors.ts';
import { openTiny, randomArray } from '../../tiny-models.fixture.ts';
import { decodeDelta, deltaDigest, encodeDelta } from '../index.ts';
import { decodeSnapshot, encodeSnapshot } from '../snapshots.ts';
import { installDeltas, memoryAt, type VersionState } from '../state.ts';
import { scopeOf } from './reading.ts';
import { changedScopedRows, type ScopedRow, type ScopedRowsDelta } from './rows.ts';

const model = await openTiny('gpt2-tied');
const [encoderA, encoderB] = ['a', 'b'].map((letter) => letter.repeat(64)) as [string, string];

const row = (prompt: string, more: Partial<ScopedRow> = {}): ScopedRow => ({
  encoder: encoderA,
  prompt,
  target: ' Oslo',
  classifier: 'vectors',
  candidates: 3,
  threshold: 0.5,
  vector: randomArray(6, prompt.length, 1),
  ...more,
});
const change = (...rows: readonly ScopedRow[]): ScopedRowsDelta => ({ kind: 'scoped_rows', rows });
const installed = (...deltas: ScopedRowsDelta[]): VersionState => installDeltas(model.spec, model.base, deltas);
const rowsOf = (...deltas: ScopedRowsDelta[]) =>
  memoryAt(installed(...deltas).memories, 'scoped_rows', 'prompt')?.rows ?? [];
const anna = row('Anna lives in');

describe('scoped rows', () => {
  it('come back from their bytes and from snapshots, whatever the order of their parts', () => {
    const delta = change(
      anna,
      row('Boris plays', { encoder: encoderB, classifier: 'pairs', vector: randomArray(9, 1, 1) }),
    );
    expect(decodeDelta(encodeDelta(delta))).toEqual(delta);
    const turned = Object.fromEntries(Object.entries(anna).reverse()) as unknown as ScopedRow;
    expect(deltaDigest(change(turned))).toBe(deltaDigest(change(anna)));
    const state = installed(delta);
    const bytes = Buffer.concat([...encodeSnapshot({ model: 'm', version: 'v', state })]);
    expect(decodeSnapshot(parseSafetensors(bytes, 'snapshot')).state).toEqual(state);
  });

  it('add up in any order, one a prompt, the latest; taking one away leaves the others as they were', () => {
    const rows = ['Anna', 'Boris', 'Clara', 'Dmitri'].map((name) => row(`${name} lives in`));
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: 1 }), (some) => {
        expect(rowsOf(...some.map((one) => change(one)))).toEqual(rows.filter((one) => some.includes(one)));
        const again = { ...some[0]!, target: ' Lima' };
        expect(rowsOf(...some.map((one) => change(one)), change(again))).toContainEqual(again);
      }),
    );
  });

  it('are refused where they are none, two are of one prompt, or vectors of one encoder differ in width', () => {
    const malformed = expect.objectContaining({ code: 'delta_malformed' }) as never;
    for (const wrong of [
      change(anna, { ...anna, target: ' Lima' }),
      change(anna, row('b', { vector: randomArray(7, 1, 1) })),
    ])
      expect(() => encodeDelta(wrong)).toThrow(malformed);
    expect(() => encodeDelta(change({ ...anna, vector: new Float32Array(0) }))).toThrow(malformed);
    for (const wrong of [{ threshold: 2 }, { candidates: 0 }, { target: '' }, { encoder: 'a' }])
      expect(() => decodeDelta(encodeDelta(change({ ...anna, ...wrong })))).toThrow(malformed);
  });
});

describe('the search for the row in whose scope a query is', () => {
  const query = randomArray(6, 99, 1);
  const asked: string[][] = [];
  const held = {
    query: async () => query,
    scale: 0.5,
    pairs: async (rows: readonly { readonly prompt: string }[]) => {
      asked.push(rows.map(({ prompt }) => prompt));
      return Float32Array.from(rows.map(({ prompt }) => Number(prompt) / 1000));
    },
  } as unknown as Counterfactual;
  const squared = ({ vector }: ScopedRow) => vector.reduce((sum, x, i) => sum + (x - query[i]!) ** 2, 0);

  it('takes the nearest of hundreds, before and after others came and one was replaced', async () => {
    let rows: readonly ScopedRow[] = [];
    for (let from = 0; from < 300; from += 100) {
      const further = Array.from({ length: 100 }, (_, i) =>
        row(`${from + i}`, { vector: randomArray(6, from + i, 3), threshold: 0 }),
      );
      rows = changedScopedRows(rows, [...further, ...rows.slice(0, 1).map((one) => ({ ...one, vector: query }))]).rows;
      const nearest = rows.reduce((a, b) => (squared(b) < squared(a) ? b : a));
      const found = await scopeOf(rows, 'q', async () => held);
      expect(found).toEqual({ row: nearest, score: Math.exp(-0.5 * squared(nearest)) });
    }
  });

  it('has so many of the nearest read together with the query, and the likeliest of them speak if it is likely enough', async () => {
    const rows = Array.from({ length: 50 }, (_, i) =>
      row(`${i}`, { vector: randomArray(6, i, 3), classifier: 'pairs', threshold: 0.01 }),
    );
    const near = [...rows].sort((a, b) => squared(a) - squared(b)).slice(0, 3);
    asked.length = 0;
    const found = await scopeOf(rows, 'q', async () => held);
    expect(asked).toEqual([near.map(({ prompt }) => prompt)]);
    const likeliest = near.reduce((a, b) => (Number(b.prompt) > Number(a.prompt) ? b : a));
    expect(found!.row).toBe(likeliest);
    const strict = rows.map((one) => ({ ...one, threshold: 0.9 }));
    expect(await scopeOf(strict, 'q', async () => held)).toBeNull();
  });
});
