// Edited keys: what is stored of them, and that a version with them answers as the one without.

import { expect, it } from 'vitest';
import { valueMatrix } from '../architectures/spec.ts';
import { parseSafetensors } from '../files/safetensors.ts';
import { openTiny } from '../tiny-models.fixture.ts';
import type { EditedKeysDelta } from './edited-keys.ts';
import { decodeDelta, deltaDigest, encodeDelta, leftBeside } from './index.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshots.ts';
import { besideWeights, installDeltas, memoryAt } from './state.ts';

const model = await openTiny('gpt2-tied');
const { weight: tensor, inSize: size } = valueMatrix(model.spec, 1);
const delta = (start: number, count: number): EditedKeysDelta => ({
  kind: 'edited_keys',
  tensor,
  size,
  keys: Float32Array.from({ length: count * size }, (_, i) => Math.sin(start + i)),
});
const installed = (...deltas: EditedKeysDelta[]) =>
  installDeltas(model.spec, (name) => model.view().weight(name), deltas);

it('come back from their bytes and from a snapshot', () => {
  expect(decodeDelta(encodeDelta(delta(0, 2)))).toEqual(delta(0, 2));
  expect(deltaDigest(delta(0, 2))).not.toBe(deltaDigest(delta(1, 2)));
  const state = installed(delta(0, 2), delta(9, 1));
  const bytes = Buffer.concat([...encodeSnapshot({ model: 'a', version: 'ver_b', state })]);
  expect(decodeSnapshot(parseSafetensors(bytes)).state).toEqual(state);
});

it('add up in the order in which they came', () => {
  const { keys } = memoryAt(installed(delta(0, 2), delta(9, 1)).memories, 'edited_keys', tensor)!;
  expect(keys).toEqual(Float32Array.of(...delta(0, 2).keys, ...delta(9, 1).keys));
});

it('are refused where they fit no matrix, or are none', () => {
  expect(() => installed({ ...delta(0, 2), size: size * 2 })).toThrow(
    expect.objectContaining({ code: 'delta_misfit' }),
  );
  expect(() => installed({ ...delta(0, 2), tensor: 'none' })).toThrow(
    expect.objectContaining({ code: 'delta_misfit' }),
  );
  for (const wrong of [{ size: size + 1 }, { keys: new Float32Array() }])
    expect(() => encodeDelta({ ...delta(0, 2), ...wrong })).toThrow(
      expect.objectContaining({ code: 'delta_malformed' }),
    );
});

it('are part of a version and of its digest, but change no answer and keep nobody from a checkpoint', async () => {
  const [plain, kept] = [model.view(), model.view([delta(0, 2)])];
  expect(kept.weightsDigest()).not.toBe(plain.weightsDigest());
  expect(model.restore(kept.state()).weightsDigest()).toBe(kept.weightsDigest());
  const prompts = [[1, 2, 3, 4]];
  expect(await kept.nextLogits(prompts)).toEqual(await plain.nextLogits(prompts));
  expect(besideWeights(kept)).toBeNull();
  expect(leftBeside('edited_keys')).toBeNull();
});
