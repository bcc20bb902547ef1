// Two workers that share no file: models, deltas and versions go by a bucket, for one of them over a bad line.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBlobs } from '@errata/blobs';
import { checkEverything, collectGarbage } from '@errata/upkeep';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FaultProxy, type HttpFault, startFaultProxy } from '../support/fault-proxy.ts';
import { edit, type FaultStack, startFaultStack } from '../support/fault-stack.ts';
import { type S3Server, startS3 } from '../support/s3-server.ts';
import { expectWholeHistory } from './whole-history.fixture.ts';

let [server, proxy, stack, folder]: [S3Server, FaultProxy, FaultStack, string] = [] as never;
beforeAll(async () => {
  server = await startS3('s3rver');
  proxy = await startFaultProxy(server.endpoint);
  folder = await mkdtemp(join(tmpdir(), 'errata-hosts-'));
  stack = await startFaultStack({ blobsUrl: server.url('service') });
});
afterAll(async () => {
  await stack.close();
  await proxy.stop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const jobsPerBranch = 6;

test('both work, no promise is broken, and a third machine reads everything', async () => {
  const faults: readonly HttpFault[] = ['503', 'cut', 'wrong-bytes', 'lost-answer', 'slow'];
  proxy.harm((_, count) => (count % 4 === 3 ? faults[(count >> 2) % faults.length]! : 'none'));
  const far = { BLOBS_URL: server.url('service', proxy.endpoint), BLOBS_DIR: join(folder, 'far') };
  const workers = [
    stack.startWorker({ WORKER_NAME: 'near', BLOBS_DIR: join(folder, 'near') }),
    stack.startWorker({ WORKER_NAME: 'far', ...far }),
  ];
  await Promise.all(workers.map(({ ready }) => ready));
  const names = ['left', 'right'] as const;
  const branches = await Promise.all(names.map((name) => stack.branch(name)));
  const submitted = await Promise.all(
    names.flatMap((branch) =>
      Array.from({ length: jobsPerBranch }, async (_, index) => {
        const edits = [edit(`${branch} ${index}`)];
        return { branch, edits, id: await stack.submit(edits, { branch }) };
      }),
    ),
  );
  for (const { id } of submitted) expect(await stack.finished(id)).toMatchObject({ state: 'succeeded', error: null });
  expect(proxy.done()).toBeGreaterThan(0);
  const holders = await stack.query(`SELECT DISTINCT data->>'holder' AS holder FROM events
    WHERE type = 'running' AND job_id IN (SELECT id FROM jobs WHERE kind = 'edit') ORDER BY holder`);
  expect(holders).toEqual([{ holder: 'far' }, { holder: 'near' }]);
  for (const [index, { id }] of branches.entries()) {
    const rows = await stack.query('SELECT id FROM jobs WHERE branch_id = $1 ORDER BY sequence', [id]);
    const jobs = rows.map((row) => submitted.find((job) => job.id === row.id)!);
    expect(jobs.map(({ branch }) => branch)).toEqual(Array.from({ length: jobsPerBranch }, () => names[index]));
    await expectWholeHistory(stack, id, jobs);
  }

  // What nobody has kept: a check reads every blob from the bucket, and a collection lets go of what nothing names.
  const third = await openBlobs({ blobsDir: join(folder, 'third'), blobsUrl: server.url('service') });
  const stray = await third.put(Buffer.from('nobody names this'));
  const options = { dryRun: false, graceMs: 0 };
  await collectGarbage(stack.lineage, third, options);
  await collectGarbage(stack.lineage, third, options);
  expect(await third.has(stray.sha256)).toBe(false);
  const report = await checkEverything(stack.lineage, third, { content: true });
  expect(report).toMatchObject({ ok: true, problems: [] });
  expect(report.checked.blobs).toBeGreaterThan(2 * jobsPerBranch);
  for (const worker of workers) worker.signal('SIGTERM');
  expect(await Promise.all(workers.map(({ exited }) => exited))).toEqual([0, 0]);
});
