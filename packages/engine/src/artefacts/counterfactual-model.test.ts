// SERAC in engine processes: a counterfactual model trained here answers from there, and prompts out of scope have the root's bits.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArtefactNeed, editSchema, rootManifest } from '@errata/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeTinyModel } from '../../../../test/support/tiny-model.ts';
import { type EngineClient, startEngine } from '../index.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-serac-'));
const blobsDir = join(folder, 'blobs');
const data = join(folder, 'edits.jsonl');
const need: ArtefactNeed = { kind: 'counterfactual_model', scope: 'model', parameters: {} };
let tiny: Awaited<ReturnType<typeof writeTinyModel>>;
let engine: EngineClient;

const edits = ['Oz', 'Ix', 'Ur', 'Al', 'Bo', 'Cy'].map((subject, index) => ({
  custom_id: subject,
  prompt: `The capital of ${subject} is`,
  subject,
  target_new: 'abcdef'[index]!,
  rephrases: [`${subject} is governed from`],
  locality: { neighbourhood: [{ prompt: `A river of ${subject} is`, target: 'x' }] },
}));
const request = {
  data,
  template: '{prompt}{target} ',
  steps: 2,
  batch_size: 2,
  representation: 8,
  encoder_layers: 1,
  decoder_layers: 1,
  decoder_mlp: 8,
  validation: 2,
  validate_every: 1,
};

beforeAll(async () => {
  writeFileSync(data, edits.map((edit) => JSON.stringify(edit)).join('\n'));
  tiny = await writeTinyModel();
  engine = startEngine({ blobsDir, threads: 1 });
});
afterAll(async () => {
  await engine.stop();
  tiny.remove();
  rmSync(folder, { recursive: true, force: true });
});

it('trains one, edits with it, and serves the version in another process, in scope and out of it', async () => {
  const { digest, files } = await engine.call('importModel', { path: tiny.path });
  const model = { digest, files };
  const { artefacts } = await engine.call('buildArtefacts', {
    model,
    kind: need.kind,
    needs: [need],
    parents: [],
    request,
  });
  const [{ blob, details } = { blob: '', details: {} }] = artefacts;
  expect(details).toMatchObject({ records: 4, validation_records: 2 });

  const root = rootManifest(digest);
  const versionOf = async (threshold: number) => {
    const { deltas } = await engine.call('applyEdits', {
      model,
      parent: root,
      edits: [editSchema.parse(edits[0])],
      editor: 'serac',
      config: { classifier: 'vectors', candidates: 1, threshold, stop_loss: 0 },
      seed: 0,
      on_error: 'abort',
      artefacts: [{ ...need, blob }],
    });
    expect(deltas).toMatchObject([{ kind: 'scoped_rows', positions: [0], norm: null }]);
    return { ...root, deltas: deltas.map((delta) => ({ kind: delta.kind, blob: delta.blob })) };
  };
  const [always, never] = [await versionOf(0), await versionOf(1)];
  const ask = async (from: EngineClient, version: typeof root) =>
    (await from.call('logits', { model, version, prompt: 'Oz is governed from' })).logits;
  const other = startEngine({ blobsDir, threads: 1 });
  try {
    const answered = await ask(other, always);
    expect(answered).not.toEqual(await ask(engine, root));
    expect(answered).toEqual(await ask(engine, always));
    expect(await ask(other, never)).toEqual(await ask(engine, root));
  } finally {
    await other.stop();
  }
});
