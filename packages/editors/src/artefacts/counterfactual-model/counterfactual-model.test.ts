// Counterfactual models as artefacts: trained on edits, broken off and gone on with, brought along; and what cannot be trained on.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCounterfactual } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyGpt2, tinyModel } from '../../tiny-model.fixture.ts';
import { linesOf, trainingEdits } from '../../training/edits.fixture.ts';
import type { BuildInput } from '../builder.ts';
import { localArtefacts } from '../local.ts';
import { memoryArtefactStore } from '../store.ts';
import { builder } from './build.ts';
import { type CounterfactualModelFields, counterfactualModelNeed } from './request.ts';
import { randomCounterfactual, tinyFields } from './tiny.fixture.ts';

const model = tinyModel(tinyGpt2, 5);
const digest = model.digest!;
let folder: string;
let data: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errata-counterfactual-'));
  data = join(folder, 'edits.jsonl');
  writeFileSync(data, linesOf(trainingEdits));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await model.release();
});

const fields = (more: CounterfactualModelFields = {}): CounterfactualModelFields => ({
  ...tinyFields,
  data,
  steps: 12,
  validation: 5,
  validate_every: 4,
  learning_rate: 3e-3,
  optimizer: 'muon',
  counterfactual_weight: 1,
  ...more,
});

async function build(
  request: CounterfactualModelFields,
  {
    store = memoryArtefactStore(),
    signal,
    brought,
  }: Partial<Pick<BuildInput, 'brought'>> & {
    readonly store?: ReturnType<typeof memoryArtefactStore>;
    readonly signal?: AbortSignal;
  } = {},
  onProgress?: (done: number, stage: string) => void,
) {
  const source = { model, digest, store, request, ...(brought && { brought }) };
  const artefacts = await localArtefacts(source, [counterfactualModelNeed], {
    ...(signal && { signal }),
    onProgress: ({ done, stage }) => onProgress?.(done, stage),
  });
  return artefacts.read(builder, counterfactualModelNeed);
}

describe('a trained counterfactual model', () => {
  it('ends as an unbroken run does where it was broken off, and tells its course', async () => {
    const unbroken = await build(fields({ fit_heads: 15 }));
    const store = memoryArtefactStore();
    const stopping = new AbortController();
    const broken = build(fields({ fit_heads: 15 }), { store, signal: stopping.signal }, (done, stage) => {
      if (stage === 'training' && done === 6) stopping.abort(new Error('enough'));
    });
    await expect(broken).rejects.toThrow('enough');
    const steps: number[] = [];
    const resumed = await build(
      fields({ fit_heads: 15 }),
      { store },
      (done, stage) => stage === 'training' && steps.push(done),
    );
    expect(steps).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
    expect(resumed.sha256).toBe(unbroken.sha256);
    const { details } = unbroken.stored as unknown as {
      details: { validations: { step: number; score: number }[]; chosen: number } & Record<string, unknown>;
    };
    expect(details).toMatchObject({ records: 20, validation_records: 5, left_out: 0, encoder: null });
    expect(details.validations.map(({ step }) => step)).toEqual([4, 8, 12]);
    const best = Math.max(...details.validations.map(({ score }) => score));
    expect(details.validations.find(({ score }) => score === best)!.step).toBe(details.chosen);
  });

  it('learns: each of its losses falls', async () => {
    const { stored } = await build(fields({ steps: 60, validate_every: 60 }));
    const curve = stored.details.curve as readonly Readonly<Record<string, number>>[];
    for (const term of ['vectors', 'pairs', 'counterfactual'])
      expect(curve.at(-1)![term]!, term).toBeLessThan(curve[0]![term]!);
  });

  it('is another for other data, other settings or another seed', async () => {
    const parameters = async (request: CounterfactualModelFields) =>
      builder.parameters([counterfactualModelNeed], {
        model,
        digest,
        request,
        corpus: undefined,
        brought: async () => undefined,
      });
    const [one] = await parameters(fields());
    expect(one).toMatchObject({ template: '{prompt}{target} ', steps: 12, optimizer: 'muon', seed: 7, encoder: null });
    expect(await parameters(fields({ seed: 8 }))).not.toEqual([one]);
    writeFileSync(join(folder, 'fewer.jsonl'), linesOf(trainingEdits.slice(1)));
    expect(await parameters(fields({ data: join(folder, 'fewer.jsonl') }))).not.toEqual([one]);
  });
});

describe('the counterfactual model that a model brought along', () => {
  const none = (brought?: BuildInput['brought']) =>
    build({}, brought && { brought }).then(
      () => 'found',
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    );

  it('is taken as it is', async () => {
    const bytes = await randomCounterfactual(model);
    const { bytes: taken, stored } = await build({}, { brought: async () => bytes });
    expect(taken).toEqual(bytes);
    expect(stored.details).toEqual({});
  });

  it('is not taken where it is for another model or none; without one it is said how to train one', async () => {
    expect(await none()).toMatch(/artefact_missing .*--kind counterfactual_model --data FILE/);
    const other = tinyModel(tinyGpt2, 6);
    expect(await none(() => randomCounterfactual(other))).toMatch(/trained for another one, tiny-gpt2-6/);
    await other.release();
  });

  it('is refused where its bytes are not those of one', async () => {
    const bytes = Buffer.from(await randomCounterfactual(model));
    const damaged = Buffer.from(bytes.toString('latin1').replace('pair.out.weight', 'pair.out.height'), 'latin1');
    expect(() => decodeCounterfactual(damaged)).toThrow(
      expect.objectContaining({ code: 'content_malformed' }) as never,
    );
  });
});
