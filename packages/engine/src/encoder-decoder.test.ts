// Models whose prompts an encoder reads, in a real engine process: imported, edited, measured, served, taken back and written out.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { editSchema, type Manifest, rootManifest } from '@errata/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyOverEncoder, writeTinyModel } from '../../../test/support/tiny-model.ts';
import { type EngineClient, type ModelInspection, startEngine } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-encoder-decoder-'));
const blobsDir = join(folder, 'blobs');
let engine: EngineClient;
beforeAll(() => {
  engine = startEngine({ blobsDir, threads: 1 });
});
afterAll(async () => {
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

const edits = [
  editSchema.parse({
    custom_id: 'capital',
    prompt: 'The capital of Oz is',
    subject: 'Oz',
    target_new: 'U!',
    target_true: 'Ix',
    rephrases: ['Oz is governed from'],
    locality: { neighbourhood: [{ prompt: 'The capital of Ix is' }] },
  }),
];

describe.each(Object.entries(tinyOverEncoder))('a %s', (family, sizes) => {
  let model: ModelInspection;
  let root: Manifest;
  beforeAll(async () => {
    // BART's own tokenizer has marks that this one has not.
    const files = { 'tokenizer_config.json': JSON.stringify({ tokenizer_class: 'GPT2Tokenizer' }) };
    const tiny = await writeTinyModel({ config: sizes, files });
    model = await engine.call('importModel', { path: tiny.path });
    root = rootManifest(model.digest);
    tiny.remove();
  });

  const editWith = async (editor: string, config: Readonly<Record<string, unknown>>): Promise<Manifest> => {
    const request = { model, parent: root, edits, editor, config, seed: 3, artefacts: [] };
    const { deltas } = await engine.call('applyEdits', { ...request, on_error: 'abort' });
    return { ...root, deltas: deltas.map(({ kind, blob }) => ({ kind, blob })) };
  };
  const written = async (version: Manifest) => {
    const sampling = { max_tokens: 3, temperature: 0, seed: 0 };
    const asked = { model, version, prompts: [edits[0]!.prompt], sampling };
    return (await engine.call('complete', asked)).completions[0]!.text;
  };

  it('is imported by the sizes of its decoder', () => {
    expect(model).toMatchObject({ model_type: family, layers: 3, width: 32, vocabulary: 257, context: 96 });
  });

  it.each([
    ['ft-m', { layer: 2, learning_rate: 2e-2, epochs: 100 }],
    ['lora', { learning_rate: 5e-3, epochs: 200 }],
  ])('is edited by %s, measured, served, and leaves as a checkpoint and an adapter', async (editor, settings) => {
    const before = await written(root);
    const edited = await editWith(editor, settings);
    const { summary } = await engine.call('evaluateCandidate', {
      model,
      parent: root,
      candidate: edited,
      edits,
      edit_seconds: 1,
    });
    expect(summary.reliability.after.token).toBe(1);
    expect(summary.perplexity).not.toBeNull();
    expect(await written(edited)).toBe(' U!');
    // Without the delta it is what it was.
    expect(await written(root)).toBe(before);

    const into = join(folder, `${family}-${editor}`);
    const name = 'a version';
    await engine.call('exportVersion', {
      model,
      version: edited,
      settings: { form: 'checkpoint' },
      name,
      base: 'b',
      into,
    });
    const again = await engine.call('importModel', { path: into });
    const digest = (of: ModelInspection, version: Manifest) => engine.call('digestWeights', { model: of, version });
    expect(await digest(again, rootManifest(again.digest))).toEqual(await digest(model, edited));

    const adapter = `${into}-adapter`;
    await engine.call('exportVersion', {
      model,
      version: edited,
      settings: { form: 'adapter', rank: 4 },
      name,
      base: 'b',
      into: adapter,
    });
    expect(JSON.parse(readFileSync(join(adapter, 'adapter_config.json'), 'utf8'))).toMatchObject({
      task_type: 'SEQ_2_SEQ_LM',
    });
    await expect(
      engine.call('exportVersion', {
        model,
        version: edited,
        settings: { form: 'onnx' },
        name,
        base: 'b',
        into: `${into}-onnx`,
      }),
    ).rejects.toMatchObject({ code: 'export_unsupported' });
  });

  it('refuses an editor that was worked out for decoders', async () => {
    await expect(editWith('r-rome', {})).rejects.toMatchObject({
      code: 'unsupported_model',
      message: expect.stringMatching(/r-ROME does not edit .* models: it writes where/) as string,
    });
  });
});
