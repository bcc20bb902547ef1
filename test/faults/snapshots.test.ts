// Snapshots save time and carry nothing: with them, without them, and with them damaged, the same bytes are served.
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { rootManifest, type VersionSource, versionId } from '@errata/contracts';
import { startEngine } from '@errata/engine';
import { checkBranch, getModel, readManifest, sourceOfVersion } from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { edit, startFaultStack, until } from '../support/fault-stack.ts';

const stack = await startFaultStack();
const { lineage, modelId } = stack;
afterAll(() => stack.close());

/** Weights and logits as a process gives them that has never seen the model. */
async function served(version: VersionSource) {
  const { resource, files } = await getModel(lineage, modelId);
  const model = {
    digest: resource.digest,
    files: files.map(({ path: name, blob: sha256, bytes: size }) => ({ name, sha256, size })),
  };
  const engine = startEngine({ blobsDir: stack.blobsDir, threads: 1 });
  try {
    const { digest } = await engine.call('digestWeights', { model, version });
    const { logits } = await engine.call('logits', { model, version, prompt: 'The capital of Sylvania is' });
    return { digest, logits: [...logits] };
  } finally {
    await engine.stop();
  }
}

const snapshots = () => stack.query('SELECT version_id, blob FROM snapshots ORDER BY depth');

test('a worker stores a version whole when opening it has become dear, and it is the same version', async () => {
  stack.spare.signal('SIGCONT');
  await stack.branch('main');
  // What replaying takes grows with every edit and what loading takes does not, so that it pays sooner or later on any machine.
  for (let index = 0; (await snapshots()).length === 0; index++) {
    const job = await stack.finished(await stack.submit([edit(`Town ${index}`)]));
    expect(job).toMatchObject({ state: 'succeeded', error: null });
  }
  const { id, head } = await stack.branch('main');
  const source = await sourceOfVersion(lineage, head, modelId);
  const manifest = await readManifest(lineage, head, modelId);
  expect(source.snapshot).toBeDefined();
  expect(source.deltas.length).toBeLessThan(manifest.deltas.length);
  expect([versionId(source), versionId(manifest)]).toEqual([head, head]);
  expect(await served(source)).toEqual(await served(manifest));
  expect(await served(source)).not.toEqual(await served(rootManifest(manifest.model)));
  await checkBranch(lineage, id);
});

test('work goes on without a snapshot that was damaged', async () => {
  stack.spare.signal('SIGKILL');
  await stack.spare.exited;
  const [{ blob }] = (await snapshots()) as [{ blob: string }];
  await truncate(join(stack.blobsDir, blob.slice(0, 2), blob.slice(2)), 100);
  stack.startWorker({ WORKER_NAME: 'fresh' });
  const job = await stack.finished(await stack.submit([edit('Sylvania')]));
  expect(job).toMatchObject({ state: 'succeeded', attempts: 2 });
  const { head } = await stack.branch('main');
  await until('no snapshot of that blob is left', async () => (await snapshots()).every((row) => row.blob !== blob));
  expect(await served(await sourceOfVersion(lineage, head, modelId))).toEqual(
    await served(await readManifest(lineage, head, modelId)),
  );
});
