// A backup made by the command while workers are at work, brought back on a server of its own, where what had not ended then ends.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openDiskStore } from '@errata/blobs';
import { isTerminal } from '@errata/contracts';
import { getJob, openLineage } from '@errata/lineage';
import { startPostgres } from '@errata/local-services';
import { checkEverything } from '@errata/upkeep';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { edit, type FaultStack, startFaultStack, until } from '../support/fault-stack.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

let [stack, folder]: [FaultStack, string] = [] as never;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-backup-'));
  stack = await startFaultStack();
});
afterAll(async () => {
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

async function errata(...args: string[]): Promise<Record<string, unknown>> {
  const { DATABASE_URL, BLOBS_DIR } = stack.environment;
  const env = { ...process.env, DATABASE_URL, BLOBS_DIR };
  const { stdout } = await run(process.execPath, ['apps/cli/bin/errata.js', ...args, '--json'], { cwd: root, env });
  return JSON.parse(stdout);
}

test('what had been done is there, what had not is done there, and both go their own ways', async () => {
  const [backups, data] = [join(folder, 'backups'), join(folder, 'data')];
  const worker = stack.startWorker();
  await worker.ready;
  const jobs = [await stack.submit([edit('Town 0')])];
  await stack.finished(jobs[0]!);
  // The next one stands still in the middle of its work, and the others wait behind it, while the backup is made.
  const fault = await stack.arm('blob.before_write', 'stop');
  for (let index = 1; index < 5; index++) jobs.push(await stack.submit([edit(`Town ${index}`)]));
  await until('a job is under way', async () => (await fault.taken()) !== null);
  const made = await errata('backup', backups);
  process.kill((await fault.taken())!, 'SIGCONT');
  for (const job of jobs) expect(await stack.finished(job)).toMatchObject({ state: 'succeeded' });
  const again = await errata('backup', backups);
  expect(again.backup).not.toBe(made.backup);

  expect(await errata('restore', backups, '--data', data, '--backup', String(made.backup))).toMatchObject({
    backup: made.backup,
    blobs: made.blobs,
  });
  const postgres = await startPostgres({ dataDir: join(data, 'postgres'), durable: false });
  const blobsDir = join(data, 'blobs');
  try {
    const lineage = await openLineage(postgres.url);
    const states = async () => Promise.all(jobs.map(async (id) => (await getJob(lineage, id)).state));
    const then = await states();
    expect([then[0], ...then.slice(1).map(isTerminal)]).toEqual(['succeeded', false, false, false, false]);
    // On a queue that knows nothing of them.
    const there = { DATABASE_URL: postgres.url, QUEUE_URL: postgres.url, BLOBS_DIR: blobsDir, ERRATA_FAILPOINT: '' };
    const other = stack.startWorker({ ...there, WORKER_NAME: 'elsewhere' });
    await until('every job has ended there too', async () => (await states()).every(isTerminal));
    expect(new Set(await states())).toEqual(new Set(['succeeded']));
    const store = await openDiskStore(blobsDir);
    expect(await checkEverything(lineage, store, { content: true })).toMatchObject({ ok: true, problems: [] });
    // The same requests on the same ground: the same version.
    const head = async (of: typeof lineage) =>
      (await of.prisma.branch.findFirstOrThrow({ where: { name: 'main' } })).headVersionId;
    expect(await head(lineage)).toBe(await head(stack.lineage));
    other.signal('SIGTERM');
    await other.exited;
    await lineage.close();
  } finally {
    await postgres.stop();
  }
}, 600_000);
