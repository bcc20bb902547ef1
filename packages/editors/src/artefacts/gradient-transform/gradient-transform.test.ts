// Gradient transforms as artefacts: trained on edits, broken off and gone on with, ended early, brought along.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeTransform, transformFor } from '../../hypernetworks/file.ts';
import { identityTransform } from '../../hypernetworks/tiny.fixture.ts';
import { tinyGpt2, tinyModel } from '../../tiny-model.fixture.ts';
import { linesOf, trainingEdits } from '../../training/edits.fixture.ts';
import type { BuildInput } from '../builder.ts';
import { localArtefacts } from '../local.ts';
import { memoryArtefactStore } from '../store.ts';
import { builder } from './build.ts';
import { type GradientTransformFields, gradientTransformOf } from './request.ts';

const model = tinyModel(tinyGpt2, 5);
const digest = model.digest!;
const layers = [2, 3];
let folder: string;
let data: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errata-transform-'));
  data = join(folder, 'edits.jsonl');
  writeFileSync(data, linesOf(trainingEdits));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await model.release();
});

const fields = (more: GradientTransformFields = {}): GradientTransformFields => ({
  data,
  network_rank: 4,
  batch_size: 2,
  edits_per_update: 2,
  steps: 12,
  validation: 5,
  validate_every: 4,
  learning_rate: 1e-3,
  rates_learning_rate: 1e-3,
  seed: 7,
  ...more,
});

interface Asked extends Partial<Pick<BuildInput, 'brought'>> {
  readonly store?: ReturnType<typeof memoryArtefactStore>;
  readonly signal?: AbortSignal;
  readonly of?: readonly number[];
}

async function build(
  request: GradientTransformFields,
  { store = memoryArtefactStore(), signal, brought, of = layers }: Asked = {},
  onProgress?: (done: number, stage: string) => void,
) {
  const need = gradientTransformOf(of);
  const artefacts = await localArtefacts({ model, digest, store, request, ...(brought && { brought }) }, [need], {
    ...(signal && { signal }),
    onProgress: ({ done, stage }) => onProgress?.(done, stage),
  });
  return artefacts.read(builder, need);
}

interface Details {
  readonly validations: readonly { readonly step: number; readonly score: number }[];
  readonly curve: readonly { readonly step: number; readonly generality: number }[];
  readonly chosen: number;
}

describe('a trained gradient transform', () => {
  it('ends as an unbroken run does where it was broken off, and tells its course', async () => {
    const unbroken = await build(fields());
    const store = memoryArtefactStore();
    const stopping = new AbortController();
    const broken = build(fields(), { store, signal: stopping.signal }, (done, stage) => {
      if (stage === 'training' && done === 6) stopping.abort(new Error('enough'));
    });
    await expect(broken).rejects.toThrow('enough');
    const steps: number[] = [];
    const resumed = await build(fields(), { store }, (done, stage) => stage === 'training' && steps.push(done));
    expect(steps).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
    expect(encodeTransform(resumed)).toEqual(encodeTransform(unbroken));
    expect(unbroken.details).toMatchObject({ records: 20, validation_records: 5, left_out: 0 });
    const { validations, chosen } = unbroken.details as unknown as Details;
    expect(validations.map(({ step }) => step)).toEqual([4, 8, 12]);
    const best = Math.max(...validations.map(({ score }) => score));
    expect(validations.find(({ score }) => score === best)!.step).toBe(chosen);
  });

  it('learns to make edits: what they are to bring about gets likelier', async () => {
    const { details } = await build(fields({ steps: 80, validate_every: 80, batch_size: 6, edits_per_update: 1 }));
    const { curve } = details as unknown as Details;
    expect(curve.at(-1)!.generality).toBeLessThan(0.5 * curve[0]!.generality);
  });

  it('ends early where no checkpoint is better for as long as its patience lasts', async () => {
    // Rates so small that every checkpoint is as good as the first.
    const idle = { learning_rate: 1e-12, rates_learning_rate: 1e-12, initial_rate: 1e-12 };
    const { details } = await build(fields({ ...idle, steps: 40, validate_every: 2, patience: 6 }));
    const { validations, chosen } = details as unknown as Details;
    expect(chosen).toBe(2);
    expect(validations.map(({ step }) => step)).toEqual([2, 4, 6, 8]);
  });

  it('is another for other layers, other data or other settings, and none for layers that are not there', async () => {
    const parameters = async (request: GradientTransformFields, of = layers) =>
      (
        await builder.parameters([gradientTransformOf(of)], {
          model,
          digest,
          request,
          corpus: undefined,
          brought: async () => undefined,
        })
      )[0]!;
    const one = await parameters(fields());
    expect(one).toMatchObject({
      method: 'mend',
      layers,
      steps: 12,
      network_rank: 4,
      edits_per_update: 2,
      locality_weight: 1,
    });
    expect(await parameters(fields(), [3])).not.toEqual(one);
    expect(await parameters(fields({ network_rank: 5 }))).not.toEqual(one);
    writeFileSync(join(folder, 'fewer.jsonl'), linesOf(trainingEdits.slice(1)));
    expect(await parameters(fields({ data: join(folder, 'fewer.jsonl') }))).not.toEqual(one);
    await expect(build(fields(), { of: [3, 4] })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(build(fields({ validation: 22 }))).rejects.toThrow(/4 a step and 22 for validation/);
  });
});

describe('the transform that a model brought along', () => {
  const none = (bytes?: Uint8Array) =>
    build({}, { brought: async () => bytes }).then(
      () => 'found',
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    );

  it('is taken as it is, where it is for the model and the layers that are asked for', async () => {
    const bytes = identityTransform('mend', model, layers, 1e-2);
    expect(encodeTransform(await build({}, { brought: async () => bytes }))).toEqual(bytes);
    expect(await none()).toMatch(/artefact_missing .*--kind gradient_transform --layers 2,3 --data FILE/);
    expect(await none(identityTransform('mend', model, [1, 3], 1e-2))).toMatch(
      /artefact_missing .*changes layers 1, 3/,
    );
    const other = tinyModel(tinyGpt2, 6);
    expect(await none(identityTransform('mend', other, layers, 1e-2))).toMatch(/trained for another one, tiny-gpt2-6/);
    await other.release();
  });

  it('is refused where it cannot be read, or its networks do not fit', async () => {
    expect(await none(Uint8Array.of(1, 2, 3))).toMatch(/blob_corrupt/);
    const stored = await build({}, { brought: async () => identityTransform('mend', model, layers, 1e-2) });
    const rates = new Map(stored.weights).set('rates', new Float32Array(3));
    expect(() => transformFor({ ...stored, weights: rates }, model.spec)).toThrow(/does not fit the model: rates/);
    expect(await none(encodeTransform({ ...stored, layers: [2, 9] }))).toMatch(/artefact_missing/);
  });
});
