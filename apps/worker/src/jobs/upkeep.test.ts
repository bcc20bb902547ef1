// Checks, collections and cherry-picks on a real worker, with a real model and its blobs.
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { rootVersionId, type VersionSource } from '@errata/contracts';
import { startEngine } from '@errata/engine';
import {
  createBranch,
  getModel,
  laneOfJob,
  readManifest,
  recordSnapshot,
  submitCheck,
  submitCherryPick,
  submitCollection,
} from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { edit, startFaultStack } from '../../../../test/support/fault-stack.ts';
import { modelReference } from '../models.ts';

const stack = await startFaultStack();
const { lineage, dispatch, modelId } = stack;
stack.spare.signal('SIGCONT');
afterAll(() => stack.close());

const carryOut = async ({ id }: { readonly id: string }) => {
  await dispatch.wake(await laneOfJob(lineage, id));
  return stack.finished(id);
};
const check = async () => carryOut(await submitCheck(lineage, { content: true, snapshots: true, created_by: null }));

test('a cherry-pick on the head that the request was made on gives the same version', async () => {
  const root = (await stack.branch('main')).head;
  const source = await stack.finished(await stack.submit([edit('Sylvania'), edit('Latveria')]));
  expect(source).toMatchObject({ state: 'succeeded' });
  await lineage.prisma.branch.updateMany({ where: { modelId }, data: { gate: { rules: [] } } });
  const { resource } = await getModel(lineage, modelId);
  expect(root).toBe(rootVersionId(resource.digest));
  await createBranch(lineage, modelId, { name: 'release', from: root, gate: { rules: [] } });
  const submitted = {
    model: modelId,
    branch: 'release',
    job_id: source.id,
    on_conflict: 'fail',
    created_by: null,
  } as const;
  const picked = await carryOut(await submitCherryPick(lineage, submitted));
  expect(picked).toMatchObject({ state: 'succeeded', version_id: source.version_id });
});

test('a check opens snapshots and tells the true one from the false', async () => {
  const { head } = await stack.branch('main');
  const { tipId } = await lineage.prisma.branch.findFirstOrThrow({ where: { modelId, name: 'main' } });
  const model = await getModel(lineage, modelId);
  const source: VersionSource = await readManifest(lineage, head, modelId);
  const engine = startEngine({ blobsDir: stack.blobsDir, threads: 1 });
  const { stored } = await engine.call('snapshot', { model: modelReference(model), source, always: true });
  await engine.stop();
  const note = { model_id: modelId, tip: tipId!, ...stored!, replay_ms: 1, load_ms: 1 };
  await recordSnapshot(lineage, note);
  expect(await check()).toMatchObject({ state: 'succeeded', result: { ok: true, checked: { snapshots: 1 } } });

  // The same blob noted for another version: sound bytes, but not what they are said to be.
  await stack.query('UPDATE snapshots SET version_id = $1', [rootVersionId(model.resource.digest)]);
  const job = await check();
  expect(job).toMatchObject({ state: 'completed_with_errors', result: { ok: false } });
  const { problems } = job.result as { problems: { kind: string; what: string }[] };
  expect(new Set(problems.map(({ kind }) => kind))).toEqual(new Set(['snapshot_broken']));
  expect(problems.some(({ what }) => what.startsWith('it cannot be opened'))).toBe(true);
  await stack.query('DELETE FROM snapshots');
});

test('a lost delta is reported; what nothing names is only counted until it is collected', async () => {
  const { head } = await stack.branch('main');
  const { blob } = (await readManifest(lineage, head, modelId)).deltas[0]!;
  const report = await carryOut(await submitCollection(lineage, { dry_run: true, grace_hours: 0, created_by: null }));
  // The blob of the snapshot that was forgotten.
  expect(report).toMatchObject({ state: 'succeeded', result: { dry_run: true, marked: { blobs: 1 } } });
  for (const deleted of [0, 1]) {
    const job = await carryOut(await submitCollection(lineage, { dry_run: false, grace_hours: 0, created_by: null }));
    expect(job).toMatchObject({ state: 'succeeded', result: { dry_run: false, deleted: { blobs: deleted } } });
  }
  expect(await check()).toMatchObject({ state: 'succeeded', result: { unnamed: { blobs: 0 } } });

  await truncate(join(stack.blobsDir, blob.slice(0, 2), blob.slice(2)), 5);
  const job = await check();
  expect(job).toMatchObject({ state: 'completed_with_errors', result: { by_kind: { blob_corrupt: 1 } } });
  expect((job.result as { problems: unknown[] }).problems).toMatchObject([{ kind: 'blob_corrupt', where: blob }]);
});
