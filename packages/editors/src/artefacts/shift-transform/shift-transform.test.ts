// Shift transforms as artefacts: trained on many edits at once, broken off and gone on with, brought along.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeTransform } from '../../hypernetworks/file.ts';
import { identityTransform } from '../../hypernetworks/tiny.fixture.ts';
import { tinyGpt2, tinyModel } from '../../tiny-model.fixture.ts';
import { linesOf, trainingEdits } from '../../training/edits.fixture.ts';
import type { BuildInput } from '../builder.ts';
import { localArtefacts } from '../local.ts';
import { memoryArtefactStore } from '../store.ts';
import { builder } from './build.ts';
import { type ShiftTransformFields, shiftTransformOf } from './request.ts';

const model = tinyModel(tinyGpt2, 5);
const digest = model.digest!;
const need = shiftTransformOf([2, 3]);
let folder: string;
let request: ShiftTransformFields;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errata-shift-'));
  const data = join(folder, 'edits.jsonl');
  writeFileSync(data, linesOf(trainingEdits));
  request = {
    data,
    network_rank: 4,
    edits_per_update: 4,
    run_size: 3,
    steps: 40,
    validation: 5,
    validate_every: 20,
    learning_rate: 1e-2,
    rates_learning_rate: 1e-2,
    initial_rate: 1e-2,
  };
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await model.release();
});

async function build(
  {
    store = memoryArtefactStore(),
    ...source
  }: { store?: ReturnType<typeof memoryArtefactStore> } & Partial<Pick<BuildInput, 'brought' | 'request'>> = {},
  stopAt?: number,
) {
  const stopping = new AbortController();
  const artefacts = await localArtefacts({ model, digest, store, request, ...source }, [need], {
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
  expect(curve.at(-1)!.generality).toBeLessThan(0.5 * curve[0]!.generality);
  expect(unbroken.weights.get('ridges')!.every((ridge) => ridge !== 0)).toBe(true);
  const store = memoryArtefactStore();
  await expect(build({ store }, 25)).rejects.toThrow('enough');
  expect(encodeTransform(await build({ store }))).toEqual(encodeTransform(unbroken));
});

it('is taken as the model brought it along, but not where it is of another method', async () => {
  const bringing = (method: 'mend' | 'malmen') => {
    const bytes = identityTransform(method, model, [2, 3], 1e-2);
    return { bytes, made: build({ request: {}, brought: async () => bytes }) };
  };
  const own = bringing('malmen');
  expect(encodeTransform(await own.made)).toEqual(own.bytes);
  await expect(bringing('mend').made).rejects.toThrow(/is for mend.*--kind shift_transform --layers 2,3 --data FILE/);
});
