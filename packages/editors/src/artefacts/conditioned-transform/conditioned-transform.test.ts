// Conditioned transforms as artefacts: trained on edits, broken off and gone on with.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { encodeTransform } from '../../hypernetworks/file.ts';
import { tinyGpt2, tinyModel } from '../../tiny-model.fixture.ts';
import { linesOf, trainingEdits } from '../../training/edits.fixture.ts';
import { localArtefacts } from '../local.ts';
import { memoryArtefactStore } from '../store.ts';
import { builder } from './build.ts';
import { conditionedTransformOf } from './request.ts';

const model = tinyModel(tinyGpt2, 5);
const need = conditionedTransformOf([2, 3]);
const folder = mkdtempSync(join(tmpdir(), 'errata-conditioned-'));
const data = join(folder, 'edits.jsonl');
writeFileSync(data, linesOf(trainingEdits));
const request = {
  data,
  network_rank: 8,
  batch_size: 4,
  steps: 40,
  validation: 5,
  validate_every: 20,
  learning_rate: 1e-2,
};
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await model.release();
});

async function build(store = memoryArtefactStore(), stopAt?: number) {
  const stopping = new AbortController();
  const artefacts = await localArtefacts({ model, digest: model.digest!, store, request }, [need], {
    signal: stopping.signal,
    onProgress: ({ done, stage }) => {
      if (stage === 'training' && done === stopAt) stopping.abort(new Error('enough'));
    },
  });
  return artefacts.read(builder, need);
}

it('learns to make edits, and ends as an unbroken run does where it was broken off', async () => {
  const unbroken = await build();
  const { curve } = unbroken.details as { curve: readonly { readonly generality: number }[] };
  expect(curve.at(-1)!.generality).toBeLessThan(0.7 * curve[0]!.generality);
  const store = memoryArtefactStore();
  await expect(build(store, 25)).rejects.toThrow('enough');
  expect(encodeTransform(await build(store))).toEqual(encodeTransform(unbroken));
});
