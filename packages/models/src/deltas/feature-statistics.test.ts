// Feature statistics: what is stored of them, and what they add up to.

import { expect, it } from 'vitest';
import { parseSafetensors } from '../files/safetensors.ts';
import { openTiny } from '../tiny-models.fixture.ts';
import type { FeatureStatisticsDelta } from './feature-statistics.ts';
import { decodeDelta, encodeDelta } from './index.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshots.ts';
import { installDeltas, memoryAt } from './state.ts';

const model = await openTiny('gpt2-tied');
const vectors = Array.from({ length: 7 }, (_, row) => [Math.sin(row), 3 * Math.cos(2 * row), 5]);
function of(some: readonly (readonly number[])[]): FeatureStatisticsDelta {
  const mean = some[0]!.map((_, i) => some.reduce((sum, x) => sum + x[i]!, 0) / some.length);
  const squares = mean.map((m, i) => some.reduce((sum, x) => sum + (x[i]! - m) ** 2, 0));
  const [means, sums] = [Float32Array.from(mean), Float32Array.from(squares)];
  return { kind: 'feature_statistics', of: 'maps of 2 to 1', count: some.length, mean: means, squares: sums };
}
const installed = (...deltas: FeatureStatisticsDelta[]) =>
  installDeltas(model.spec, (name) => model.view().weight(name), deltas);

it('come back from their bytes and from a snapshot', () => {
  const delta = of(vectors);
  expect(decodeDelta(encodeDelta(delta))).toEqual(delta);
  const state = installed(delta);
  const bytes = Buffer.concat([...encodeSnapshot({ model: 'a', version: 'ver_b', state })]);
  expect(decodeSnapshot(parseSafetensors(bytes)).state).toEqual(state);
});

it('add up to those of all that was seen', () => {
  const parts = [vectors.slice(0, 1), vectors.slice(1, 5), vectors.slice(5)].map(of);
  const sum = memoryAt(installed(...parts).memories, 'feature_statistics', 'maps of 2 to 1')!;
  const all = of(vectors);
  expect(sum.count).toBe(7);
  for (const part of ['mean', 'squares'] as const)
    for (const [i, x] of all[part].entries()) expect(sum[part][i]).toBeCloseTo(x, 4);
});

it('are refused where they are none, or of another size than those before them', () => {
  const malformed = expect.objectContaining({ code: 'delta_malformed' }) as never;
  for (const wrong of [{ count: 0 }, { squares: new Float32Array(1) }])
    expect(() => encodeDelta({ ...of(vectors), ...wrong })).toThrow(malformed);
  const short = { ...of(vectors), mean: new Float32Array(1), squares: new Float32Array(1) };
  expect(() => installed(of(vectors), short)).toThrow(malformed);
});
