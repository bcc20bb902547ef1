// Engines that serve: versions leave memory by a budget, those that are to be warm stay, and calls go where there is the least to do.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalBlobStore, openDiskStore } from '@errata/blobs';
import type { VersionSource } from '@errata/contracts';
import { encodeDelta, loadCheckpoint, type Model, openModel, valueMatrix } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../test/support/tiny-model.ts';
import { startEngine } from './client.ts';
import { startServing } from './index.ts';
import { keptVersions, makeVersions } from './versions/open-versions.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-serving-'));
const blobsDir = join(folder, 'blobs');
let tiny: Awaited<ReturnType<typeof writeTinyModel>>;
let blobs: LocalBlobStore;
let model: Model;

beforeAll(async () => {
  tiny = await writeTinyModel();
  blobs = await openDiskStore(blobsDir);
  const checkpoint = await loadCheckpoint(tiny.path);
  model = openModel(checkpoint);
  checkpoint.close();
});
afterAll(async () => {
  await model.release();
  tiny.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A version of one edit, which changes one matrix. */
async function version(n: number): Promise<VersionSource> {
  const { weight: tensor, inSize, outSize } = valueMatrix(model.spec, 1);
  const [left, right] = [inSize, outSize].map((size) => Float32Array.from({ length: size }, (_, i) => Math.sin(n + i)));
  const { sha256: blob } = await blobs.put(
    encodeDelta({ kind: 'low_rank', tensor, rank: 1, left: left!, right: right! }),
  );
  return { model: model.digest!, deltas: [{ kind: 'low_rank', blob }] };
}

describe('versions of a model', () => {
  it('leave when there is no room, those first that were not used for longest; warm ones stay', async () => {
    const { inSize, outSize } = valueMatrix(model.spec, 1);
    const versions = makeVersions(blobs, model, model.digest!, 1, keptVersions(2.5 * 4 * inSize * outSize));
    const [a, b, c, d] = (await Promise.all([1, 2, 3, 4].map(version))) as [
      VersionSource,
      VersionSource,
      VersionSource,
      VersionSource,
    ];
    const [first, second] = [await versions.view(a), await versions.view(b)];
    expect(await versions.view(a)).toBe(first);
    await versions.view(c);
    expect(await versions.view(a)).toBe(first);
    expect(await versions.view(b)).not.toBe(second);

    await versions.keepWarm([d]);
    const warm = await versions.view(d);
    for (const other of [a, b, c, a, b]) await versions.view(other);
    expect(await versions.view(d)).toBe(warm);
    await versions.keepWarm([]);
    for (const other of [a, b, c]) await versions.view(other);
    expect(await versions.view(d)).not.toBe(warm);
  });

  it('stay one at a time where one alone is more than the room, and are opened once for all who ask at once', async () => {
    const versions = makeVersions(blobs, model, model.digest!, 1, keptVersions(10));
    const a = await version(5);
    const [one, other] = await Promise.all([versions.view(a), versions.view(a)]);
    expect(other).toBe(one);
    expect(await versions.view(a)).toBe(one);
  });
});

it('calls go to the engine with the least to do, and back to where a version is open', async () => {
  const importer = startEngine({ blobsDir, threads: 1 });
  const { digest, files } = await importer.call('importModel', { path: tiny.path });
  await importer.stop();
  const servers = startServing({ blobsDir, threads: 1 }, 2);
  const ask = async (max_tokens: number, source: VersionSource = { model: digest, deltas: [] }) => {
    const sampling = { max_tokens, temperature: 0, seed: 0 };
    const params = { model: { digest, files }, version: source, prompts: ['The river'], sampling };
    return (await servers.call('complete', params)).completions[0]!.text;
  };
  try {
    const alone = await ask(4);
    await ask(4, await version(6));
    expect(servers.pids()).toHaveLength(1);
    const [long, short] = await Promise.all([ask(60), ask(4)]);
    expect([short, long.slice(0, alone.length)]).toEqual([alone, alone]);
    expect(servers.pids()).toHaveLength(2);
    await servers.keepWarm([{ model: { digest, files }, version: await version(6) }]);
    expect(await ask(4)).toBe(alone);
  } finally {
    await servers.stop();
  }
  expect(servers.pids()).toEqual([]);
  await expect(ask(1)).rejects.toMatchObject({ code: 'unavailable' });
});
