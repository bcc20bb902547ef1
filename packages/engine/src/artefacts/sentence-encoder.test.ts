// Retrieval by a sentence encoder in engine processes: what one of them edits another serves, and other prompts with the bits of before.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArtefactNeed, editSchema, rootManifest } from '@errata/contracts';
import { loadCheckpoint, openEncoder } from '@errata/models';
import { afterAll, expect, it } from 'vitest';
import { writeTinyModel } from '../../../../test/support/tiny-model.ts';
import { writeTinySentenceEncoder } from '../../../../test/support/tiny-sentence-encoder.ts';
import { type EngineClient, startEngine } from '../index.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-retrieval-'));
const blobsDir = join(folder, 'blobs');
const need: ArtefactNeed = { kind: 'sentence_encoder', scope: 'model', parameters: {} };
const encoder = writeTinySentenceEncoder();
const tiny = await writeTinyModel();
const engine = startEngine({ blobsDir, threads: 1 });
afterAll(async () => {
  await engine.stop();
  tiny.remove();
  encoder.remove();
  rmSync(folder, { recursive: true, force: true });
});

it('edits with the encoder of a directory, and serves the version in another process', async () => {
  const { digest, files } = await engine.call('importModel', { path: tiny.path });
  const model = { digest, files };
  const { artefacts } = await engine.call('buildArtefacts', {
    model,
    kind: need.kind,
    needs: [need],
    parents: [],
    request: { encoder: encoder.path },
  });
  const [{ blob, details } = { blob: '', details: {} }] = artefacts;
  expect(details).toMatchObject({ layers: 2, width: 16 });

  const root = rootManifest(digest);
  const { deltas } = await engine.call('applyEdits', {
    model,
    parent: root,
    edits: [editSchema.parse({ custom_id: 'anna', prompt: 'anna lives in', target_new: 'oslo' })],
    editor: 'retrieval',
    config: { similarity: 'encoder', threshold: 0.9999, template: '{fact}. ' },
    seed: 0,
    on_error: 'abort',
    artefacts: [{ ...need, blob }],
  });
  expect(deltas).toMatchObject([{ kind: 'embedded_rows', positions: [0], norm: null }]);
  const version = { ...root, deltas: deltas.map((delta) => ({ kind: delta.kind, blob: delta.blob })) };
  const ask = async (from: EngineClient, of: typeof root, prompt: string) =>
    (await from.call('logits', { model, version: of, prompt })).logits;
  const other = startEngine({ blobsDir, threads: 1 });
  try {
    const here = await ask(engine, version, 'anna lives in');
    expect(here).toEqual(await ask(engine, root, 'anna lives in oslo. anna lives in'));
    expect(await ask(other, version, 'anna lives in')).toEqual(here);
    const elsewhere = 'the city of lima is';
    expect(await ask(other, version, elsewhere)).toEqual(await ask(engine, root, elsewhere));
    // Asked for, vectors are those that the directory makes.
    const texts = ['anna lives in oslo', 'the city of lima'];
    const checkpoint = await loadCheckpoint(encoder.path);
    const direct = openEncoder(checkpoint);
    const { vectors, width, tokens } = await other.call('embed', { encoder: blob, texts });
    expect({ width, tokens }).toEqual({ width: direct.width, tokens: [6, 6] });
    const wanted = await direct.embed(texts);
    for (const [i, value] of vectors.entries()) expect(value).toBeCloseTo(wanted[i]!, 6);
    await direct.release();
    checkpoint.close();
  } finally {
    await other.stop();
  }
});
