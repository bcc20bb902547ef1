// Snapshots in a real engine process: opening from one gives the bytes that the whole chain gives, and a damaged one is never served.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskStore } from '@errata/blobs';
import { type DeltaReference, rootManifest, type VersionSource, versionId, versionIds } from '@errata/contracts';
import {
  type CodebookRows,
  type Delta,
  decoderSpec,
  encodeDelta,
  rowAddresses,
  uniform,
  valueMatrix,
} from '@errata/models';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tinyConfig, writeTinyModel } from '../../../test/support/tiny-model.ts';
import { type EngineClient, type ModelReference, startEngine } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-snapshots-'));
const blobsDir = join(folder, 'blobs');
const spec = decoderSpec(tinyConfig);
const store = await openDiskStore(blobsDir);
const engines: EngineClient[] = [];
let model: ModelReference;
let deltas: readonly DeltaReference[];

/** Every opening is that of a process that has not seen the version before. */
function fresh(): EngineClient {
  const engine = startEngine({ blobsDir, threads: 1 });
  engines.push(engine);
  return engine;
}

const noise = (stream: number, length: number) => {
  const next = uniform(5, stream);
  return Float32Array.from({ length }, () => 0.2 * next() - 0.1);
};

function madeDelta(index: number): Delta {
  const { weight: tensor, inSize, outSize } = valueMatrix(spec, index % spec.layers);
  const rows = (at: number): CodebookRows => ({
    site: 'mlp_out',
    layer: 1,
    keySize: spec.mlpWidth,
    valueSize: spec.width,
    keys: noise(3 * at, spec.mlpWidth),
    values: noise(3 * at + 1, spec.width),
    radii: Float32Array.of(2),
    labels: [`${at}`],
    replacements: ['last'],
  });
  // A whole codebook, as they were stored once, and rows that change it.
  if (index === 4) return { kind: 'codebook', ...rows(4) };
  if (index === 9) {
    const resized = rowAddresses(rows(4));
    return { kind: 'codebook_rows', ...rows(9), replaces: [null], resized, resizedRadii: Float32Array.of(1.5) };
  }
  return {
    kind: 'low_rank',
    tensor,
    rank: 1,
    left: noise(3 * index, inSize),
    right: noise(3 * index + 1, outSize),
  };
}

beforeAll(async () => {
  const tiny = await writeTinyModel();
  const { digest, files } = await fresh().call('importModel', { path: tiny.path });
  tiny.remove();
  model = { digest, files };
  const made: DeltaReference[] = [];
  for (let index = 0; index < 12; index++) {
    const delta = madeDelta(index);
    made.push({ kind: delta.kind, blob: (await store.put(encodeDelta(delta))).sha256 });
  }
  deltas = made;
});

afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const whole = (): VersionSource => ({ ...rootManifest(model.digest), deltas });

it('folding some deltas and installing the rest gives the same weights and logits as installing all', async () => {
  const writer = fresh();
  const prompt = 'The capital of Oz';
  const reference = fresh();
  const wanted = {
    weights: await reference.call('digestWeights', { model, version: whole() }),
    logits: await reference.call('logits', { model, version: whole(), prompt }),
  };
  const first = await writer.call('snapshot', {
    model,
    source: { ...whole(), deltas: deltas.slice(0, 5) },
    always: true,
  });
  expect(first.stored?.version).toBe(versionIds(whole())[5]);
  const fromFirst: VersionSource = { model: model.digest, snapshot: first.stored!, deltas: deltas.slice(5, 9) };
  const second = await fresh().call('snapshot', { model, source: fromFirst, always: true });
  expect(second.stored?.version).toBe(versionIds(whole())[9]);
  for (const [stored, rest] of [
    [first.stored!, deltas.slice(5)],
    [second.stored!, deltas.slice(9)],
  ] as const) {
    const source: VersionSource = { model: model.digest, snapshot: stored, deltas: rest };
    expect(versionId(source)).toBe(versionId(whole()));
    const reader = fresh();
    expect(await reader.call('logits', { model, version: source, prompt })).toEqual(wanted.logits);
    expect(await reader.call('digestWeights', { model, version: source })).toEqual(wanted.weights);
    await reader.stop();
  }
});

it('stores a version whole only when that pays, and the same version gives the same bytes', async () => {
  const engine = fresh();
  const few = { ...whole(), deltas: deltas.slice(0, 3) };
  const asked = await engine.call('snapshot', { model, source: few });
  expect(asked.stored).toBeNull();
  expect(asked.replay_ms).toBeGreaterThan(0);
  expect(asked.load_ms).toBeGreaterThan(0);
  const { stored } = await engine.call('snapshot', { model, source: few, always: true });
  expect((await fresh().call('snapshot', { model, source: few, always: true })).stored).toEqual(stored);
  // Stored whole already: there is nothing to gain.
  const again = await engine.call('snapshot', {
    model,
    source: { model: model.digest, snapshot: stored!, deltas: [] },
    always: true,
  });
  expect(again).toMatchObject({ stored: null, replay_ms: 0 });
});

it('a snapshot of another version, or one that was changed on the disk, is refused by name', async () => {
  const engine = fresh();
  const source = { ...whole(), deltas: deltas.slice(0, 4) };
  const { stored } = await engine.call('snapshot', { model, source, always: true });
  const { blob } = stored!;
  const opened = (version: string) =>
    fresh().call('digestWeights', {
      model,
      version: { model: model.digest, snapshot: { version, blob }, deltas: [] },
    });
  await expect(opened(versionIds(whole())[6]!)).rejects.toMatchObject({ code: 'blob_corrupt', details: { blob } });
  writeFileSync(join(blobsDir, blob.slice(0, 2), blob.slice(2)), 'nothing');
  await expect(opened(stored!.version)).rejects.toMatchObject({ code: 'blob_corrupt', details: { blob } });
  await store.delete(blob);
  await expect(opened(stored!.version)).rejects.toMatchObject({ code: 'blob_missing', details: { blob } });
});
