// Harm that does not pass: bytes that were tampered with, a disk that stays full. The job fails and says why; its branch stays where it was.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getBranch, getModel, readManifest } from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { edit, startFaultStack } from '../support/fault-stack.ts';

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

const fileOf = (blob: string) => join(stack.blobsDir, blob.slice(0, 2), blob.slice(2));

/** Changes a byte of the file of a blob. */
async function tamper(blob: string): Promise<void> {
  const bytes = await readFile(fileOf(blob));
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(fileOf(blob), bytes);
}

/** Has the spare worker edit a branch, so that its engine holds the head in memory; answers with the delta's blob. */
async function editWarm(branch: string): Promise<string> {
  await stack.branch(branch);
  const edited = await stack.rescue(await stack.submit([edit(`Sylvania of ${branch}`)], { branch }));
  expect(edited.state).toBe('succeeded');
  return (await readManifest(stack.lineage, edited.version_id!)).deltas[0]!.blob;
}

test('a delta that was tampered with is not built upon', async () => {
  const blob = await editWarm('tampered');
  await tamper(blob);
  await expectFailure('tampered', { code: 'blob_corrupt', message: expect.stringContaining(blob) });
});

test('neither is it by a worker that holds what it was in memory, and a file of the model that is gone ends its work too', async () => {
  const blob = await editWarm('warm');
  const { files } = await getModel(stack.lineage, stack.modelId);
  const weights = files.find(({ path }) => path === 'model.safetensors')!.blob;
  const aside = `${fileOf(weights)}.aside`;
  const harms = [
    [blob, 'blob_corrupt', () => tamper(blob), () => tamper(blob)],
    [blob, 'blob_missing', () => rename(fileOf(blob), aside), () => rename(aside, fileOf(blob))],
    [weights, 'blob_missing', () => rename(fileOf(weights), aside), () => rename(aside, fileOf(weights))],
  ] as const;
  for (const [damaged, code, harm, mend] of harms) {
    const { head } = await getBranch(stack.lineage, stack.modelId, 'warm');
    await harm();
    const failed = await stack.rescue(await stack.submit([edit(`Latveria ${code}`)], { branch: 'warm' }));
    expect(failed).toMatchObject({ state: 'failed', version_id: null, error: { code } });
    expect((failed.error as { message: string }).message).toContain(damaged);
    expect((await getBranch(stack.lineage, stack.modelId, 'warm')).head).toBe(head);
    await mend();
    const mended = await stack.rescue(await stack.submit([edit(`Latveria ${code}`)], { branch: 'warm' }));
    expect(mended.state).toBe('succeeded');
  }
});

test('a disk that stays full is told of', async () => {
  await stack.branch('full');
  const always = Array.from({ length: 100 }, (_, index) => `blob.write:full:${index + 1}`);
  await expectFailure('full', { code: 'storage_full' }, { ERRATA_FAILPOINT: always.join(',') });
});
