// Knowledge encoders as artefacts: trained on edits, broken off and gone on with, brought along; and what cannot be trained on.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeKnowledgeEncoder } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realModel } from '../../../../../test/support/real-models.ts';
import { tinyGpt2, tinyModel } from '../../tiny-model.fixture.ts';
import { linesOf, trainingEdits } from '../../training/edits.fixture.ts';
import type { BuildInput } from '../builder.ts';
import { localArtefacts } from '../local.ts';
import { memoryArtefactStore } from '../store.ts';
import { builder } from './build.ts';
import { type KnowledgeEncoderFields, knowledgeEncoderOf } from './request.ts';
import { randomKnowledgeEncoder, tinyFields } from './tiny.fixture.ts';

const model = tinyModel(tinyGpt2, 5);
const digest = model.digest!;
let folder: string;
let data: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errata-knowledge-'));
  data = join(folder, 'edits.jsonl');
  writeFileSync(data, linesOf(trainingEdits));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await model.release();
});

const fields = (more: KnowledgeEncoderFields = {}): KnowledgeEncoderFields => ({
  ...tinyFields,
  data,
  steps: 12,
  validation: 5,
  validate_every: 4,
  learning_rate: 3e-3,
  optimizer: 'muon',
  ...more,
});

async function build(
  request: KnowledgeEncoderFields,
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
  const artefacts = await localArtefacts(source, [knowledgeEncoderOf(3)], {
    ...(signal && { signal }),
    onProgress: ({ done, stage }) => onProgress?.(done, stage),
  });
  return artefacts.read(builder, knowledgeEncoderOf(3));
}

describe('a trained knowledge encoder', () => {
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
    expect(resumed.sha256).toBe(unbroken.sha256);
    const { details } = unbroken.stored as unknown as {
      details: { validations: { step: number; score: number }[]; chosen: number; curve: { step: number }[] } & Record<
        string,
        unknown
      >;
    };
    expect(details).toMatchObject({ records: 20, validation_records: 5, left_out: 0, encoder: null });
    expect(details.validations.map(({ step }) => step)).toEqual([4, 8, 12]);
    const best = Math.max(...details.validations.map(({ score }) => score));
    expect(details.validations.find(({ score }) => score === best)!.step).toBe(details.chosen);
    expect(details.curve.map(({ step }) => step)).toEqual([1, 12]);
  });

  it('learns: its losses fall', async () => {
    const { stored } = await build(fields({ steps: 60, validate_every: 60 }));
    const curve = stored.details.curve as readonly { readonly loss: number }[];
    expect(curve.at(-1)!.loss).toBeLessThan(0.7 * curve[0]!.loss);
  });

  it('begins with what finds corrections alone, where it is told to', async () => {
    const { stored } = await build(fields({ steps: 24, contrastive_steps: 22, validate_every: 24 }));
    const { curve } = stored.details as { readonly curve: readonly Readonly<Record<string, number>>[] };
    expect(curve.map(({ step, reliability }) => [step, reliability === undefined])).toEqual([
      [1, true],
      [21, true],
      [24, false],
    ]);
  });

  it('is another for other data, other settings or another seed', async () => {
    const parameters = async (request: KnowledgeEncoderFields) =>
      builder.parameters([knowledgeEncoderOf(3)], {
        model,
        digest,
        request,
        corpus: undefined,
        brought: async () => undefined,
      });
    const [one] = await parameters(fields());
    expect(one).toMatchObject({ prompt_tokens: 3, steps: 12, optimizer: 'muon', seed: 7, encoder: null });
    expect(await parameters(fields({ seed: 8 }))).not.toEqual([one]);
    writeFileSync(join(folder, 'fewer.jsonl'), linesOf(trainingEdits.slice(1)));
    expect(await parameters(fields({ data: join(folder, 'fewer.jsonl') }))).not.toEqual([one]);
  });

  it('is not trained on what cannot be read, and says in which line', async () => {
    const refused = async (text: string, more: KnowledgeEncoderFields = {}) => {
      const path = join(folder, 'refused.jsonl');
      writeFileSync(path, text);
      return build(fields({ data: path, ...more })).then(
        () => 'built',
        (error: { code: string; message: string }) => `${error.code} ${error.message}`,
      );
    };
    expect(await refused(`${linesOf(trainingEdits.slice(0, 2))}{`)).toMatch(/invalid_edits .*line 3: is not JSON/);
    expect(await refused(linesOf([{ ...trainingEdits[0], prompt: 4 }]))).toMatch(/invalid_edits .*line 1: .*prompt/);
    expect(await refused(linesOf(trainingEdits.slice(0, 6)))).toMatch(
      /6 edits that can be trained on .* 4 a step and 5 for validation/,
    );
    const { locality: _, ...bare } = trainingEdits[0]!;
    expect(await refused(linesOf(trainingEdits.map(() => bare)))).toMatch(/0 edits that can be trained on \(25 lack/);
    expect(await build(fields({ data: join(folder, 'nowhere') })).catch(({ code }) => code)).toBe('invalid_edits');
    expect(await build(fields({ encoder: folder })).catch(({ code, message }) => `${code} ${message}`)).toMatch(
      /invalid_request the text encoder .* cannot be used/,
    );
  });
});

const minilm = realModel('minilm');
describe.skipIf(minilm === undefined)('a knowledge encoder over MiniLM', () => {
  it('is trained from its weights, reads texts by its tokenizer, and is known by its digest', async () => {
    const request = fields({ encoder: minilm!, optimizer: 'adam', steps: 1, validate_every: 1, learning_rate: 1e-5 });
    const { stored } = await build(request);
    const [{ encoder } = {}] = await builder.parameters([knowledgeEncoderOf(3)], {
      model,
      digest,
      request,
      corpus: undefined,
      brought: async () => undefined,
    });
    expect(encoder).toMatch(/^[0-9a-f]{64}$/);
    expect(stored.details).toMatchObject({ encoder });
    expect(stored.spec.encoder).toMatchObject({ family: 'bert', width: 384, layers: 6 });
    expect(stored.bounds).toEqual({ start: [101], end: [102], longest: 512 });
    expect(Object.keys(stored.tokenizer!)).toContain('tokenizer.json');
  });
});

describe('the knowledge encoder that a model brought along', () => {
  const none = (prompt_tokens: number, brought?: BuildInput['brought']) =>
    localArtefacts({ model, digest, store: memoryArtefactStore(), ...(brought && { brought }) }, [
      knowledgeEncoderOf(prompt_tokens),
    ]).then(
      () => 'found',
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    );

  it('is taken as it is', async () => {
    const bytes = await randomKnowledgeEncoder(model);
    const { bytes: taken } = await build({}, { brought: async () => bytes });
    expect(taken).toEqual(bytes);
  });

  it('is not taken where it is for another model or another number of prompts; without one it is said how to train one', async () => {
    expect(await none(3)).toMatch(/artefact_missing .*--kind knowledge_encoder --prompt_tokens 3 --data FILE/);
    expect(await none(2, () => randomKnowledgeEncoder(model))).toMatch(/makes 3 prompts of a correction, not 2/);
    const other = tinyModel(tinyGpt2, 6);
    expect(await none(3, () => randomKnowledgeEncoder(other))).toMatch(/trained for another one, tiny-gpt2-6/);
    await other.release();
  });

  it('says of its training what its file says', async () => {
    expect(decodeKnowledgeEncoder(await randomKnowledgeEncoder(model)).details).toEqual({});
  });
});
