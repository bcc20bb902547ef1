// Harm that does not pass: bytes that were tampered with, a disk that stays full. The job fails and says why; its branch stays where it was.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getBranch, readManifest } from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { edit, startFaultStack } from './stack.ts';

const stack = await startFaultStack();
afterAll(() => stack.close());

const versions = async () => (await stack.query('SELECT id FROM versions ORDER BY id')).map(({ id }) => id);

/** Submits an edit to a worker of its own, and expects that nothing but the job's end comes of it. */
async function expectFailure(branch: string, error: object, environment: Readonly<Record<string, string>> = {}) {
  const { head } = await getBranch(stack.lineage, stack.modelId, branch);
  const before = await versions();
  const worker = stack.startWorker(environment);
  const job = await stack.finished(await stack.submit([edit('Latveria')], { branch }));
  expect(job).toMatchObject({ state: 'failed', version_id: null, error });
  expect((await getBranch(stack.lineage, stack.modelId, branch)).head).toBe(head);
  expect(await versions()).toEqual(before);
  worker.signal('SIGKILL');
  await worker.exited;
}

test('a delta that was tampered with is not built upon', async () => {
  await stack.branch('tampered');
  const edited = await stack.rescue(await stack.submit([edit('Sylvania')], { branch: 'tampered' }));
  const [delta] = (await readManifest(stack.lineage, edited.version_id!)).deltas;
  const { blob } = delta!;
  const path = join(stack.blobsDir, blob.slice(0, 2), blob.slice(2));
  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
  await expectFailure('tampered', { code: 'blob_corrupt', message: expect.stringContaining(blob) });
});

test('a disk that stays full is told of', async () => {
  await stack.branch('full');
  const always = Array.from({ length: 100 }, (_, index) => `blob.write:full:${index + 1}`);
  await expectFailure('full', { code: 'storage_full' }, { ERRATA_FAILPOINT: always.join(',') });
});
