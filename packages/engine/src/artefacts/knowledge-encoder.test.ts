// RECIPE in engine processes: an encoder trained here is served from there, and one that a model brought along is taken as it is.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskStore } from '@errata/blobs';
import { type ArtefactNeed, editSchema, rootManifest } from '@errata/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeTinyModel } from '../../../../test/support/tiny-model.ts';
import { type EngineClient, startEngine } from '../index.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-recipe-'));
const blobsDir = join(folder, 'blobs');
const data = join(folder, 'edits.jsonl');
const need: ArtefactNeed = { kind: 'knowledge_encoder', scope: 'model', parameters: { prompt_tokens: 2 } };
let tiny: Awaited<ReturnType<typeof writeTinyModel>>;
let engine: EngineClient;

const edits = ['Oz', 'Ix', 'Ur', 'Al', 'Bo', 'Cy'].map((subject, index) => ({
  custom_id: subject,
  prompt: `The capital of ${subject} is`,
  subject,
  target_new: 'abcdef'[index]!,
  rephrases: [`${subject} is governed from`],
  locality: { neighbourhood: [{ prompt: `The river of ${subject} is`, target: 'x' }] },
}));
const training = {
  data,
  steps: 2,
  batch_size: 2,
  representation: 8,
  encoder_layers: 1,
  validation: 2,
  validate_every: 1,
};

beforeAll(async () => {
  writeFileSync(data, edits.map((edit) => JSON.stringify(edit)).join('\n'));
  tiny = await writeTinyModel({
    defaults: { corpus: 'corpus.txt', artefacts: { knowledge_encoder: 'encoder.safetensors' } },
    files: { 'encoder.safetensors': 'to come' },
  });
  engine = startEngine({ blobsDir, threads: 1 });
});
afterAll(async () => {
  await engine.stop();
  tiny.remove();
  rmSync(folder, { recursive: true, force: true });
});

it('trains an encoder, edits with it, and serves the version in another process', async () => {
  const { digest, files } = await engine.call('importModel', { path: tiny.path });
  const model = { digest, files };
  const asked = { model, kind: need.kind, needs: [need], parents: [] };
  const { artefacts } = await engine.call('buildArtefacts', { ...asked, request: training });
  const [{ blob, details } = { blob: '', details: {} }] = artefacts;
  expect(details).toMatchObject({ records: 4, validation_records: 2 });

  const root = rootManifest(digest);
  const { deltas } = await engine.call('applyEdits', {
    model,
    parent: root,
    edits: [editSchema.parse(edits[0])],
    editor: 'recipe',
    config: { prompt_tokens: 2, sentinel: false, threshold: -1e6 },
    seed: 0,
    on_error: 'abort',
    artefacts: [{ ...need, blob }],
  });
  expect(deltas).toMatchObject([{ kind: 'prompt_rows', positions: [0], norm: null }]);
  const version = { ...root, deltas: deltas.map((delta) => ({ kind: delta.kind, blob: delta.blob })) };
  const ask = async (from: EngineClient, of: typeof root) =>
    (await from.call('logits', { model, version: of, prompt: 'Oz is governed from' })).logits;
  const other = startEngine({ blobsDir, threads: 1 });
  try {
    const here = await ask(engine, version);
    expect(here).not.toEqual(await ask(engine, root));
    expect(await ask(other, version)).toEqual(here);
  } finally {
    await other.stop();
  }

  const blobs = await openDiskStore(blobsDir);
  writeFileSync(join(tiny.path, 'encoder.safetensors'), await blobs.get(blob));
  const again = await engine.call('importModel', { path: tiny.path });
  expect(again.digest).toBe(digest);
  expect(again.files.map(({ name }) => name)).toContain('encoder.safetensors');
  const brought = await engine.call('buildArtefacts', { ...asked, model: again, request: {} });
  expect(brought.artefacts).toMatchObject([{ blob, parameters: { prompt_tokens: 2, brought: blob } }]);
});

it('refuses a model whose settings name an artefact that is not there, or one of no kind', async () => {
  const settings = (artefacts: object) => writeFileSync(join(tiny.path, 'errata.json'), JSON.stringify({ artefacts }));
  settings({ knowledge_encoder: 'nowhere.safetensors' });
  await expect(engine.call('importModel', { path: tiny.path })).rejects.toMatchObject({
    code: 'corpus_missing',
    message: expect.stringContaining('nowhere.safetensors'),
  });
  settings({ crystal_ball: 'encoder.safetensors' });
  await expect(engine.call('importModel', { path: tiny.path })).rejects.toMatchObject({ code: 'invalid_config' });
});
