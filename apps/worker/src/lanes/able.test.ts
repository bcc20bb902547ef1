// Which worker takes a job: one that has what it needs, understands it, and was not asked to take no more.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drainWorker, getJob, laneOfJob, listEvents, listWorkers, openLineage, submitCheck } from '@errata/lineage';
import { openDispatch } from '@errata/queue';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../test/support/database.ts';
import { until } from '../../../../test/support/fault-stack.ts';
import { readSettings, startWorker, type Worker } from '../index.ts';

const folder = await mkdtemp(join(tmpdir(), 'errata-able-'));
const database = await createTestDatabase();
const workers: Worker[] = [];
const start = async (name: string, labels = '') => {
  const environment = { DATABASE_URL: database.url, BLOBS_DIR: join(folder, 'blobs'), RECONCILE_MS: '200' };
  const settings = readSettings({ ...environment, WORKER_NAME: name, WORKER_LABELS: labels });
  const worker = await startWorker(settings, pino({ level: 'silent' }));
  workers.push(worker);
  return worker;
};
const plain = await start('plain');
const lineage = await openLineage(database.url);
const dispatch = await openDispatch(database.url);
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await dispatch.close();
  await lineage.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

async function submit(needs: readonly string[] = []): Promise<string> {
  const { id } = await submitCheck(lineage, { content: false, snapshots: false, created_by: null, needs });
  await dispatch.wake(await laneOfJob(lineage, id));
  return id;
}
const ended = (id: string) => until(`${id} has ended`, async () => (await getJob(lineage, id)).state === 'succeeded');
/** Who took a job, each time. */
const takers = async (id: string) => {
  const { data } = await listEvents(lineage, id, { limit: 100 });
  return data.filter(({ type }) => type === 'running').map(({ data: { holder } }) => holder);
};

test('a job waits for a worker that has what it needs, and those that need nothing go to anybody', async () => {
  const needy = await submit(['gpu', 'memory-64g']);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await getJob(lineage, needy)).toMatchObject({ state: 'queued', attempts: 0, needs: ['gpu', 'memory-64g'] });
  await start('half', 'gpu');
  await start('whole', ' memory-64g, gpu,');
  await ended(needy);
  expect(await takers(needy)).toEqual(['whole']);
});

test('a job of a later format, or of a kind that nobody knows, is left as it is', async () => {
  const later = await submit(['never']);
  await database.query(`UPDATE jobs SET format = 2, needs = '{}' WHERE id = $1`, [later]);
  await dispatch.wake(await laneOfJob(lineage, later));
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(await takers(later)).toEqual([]);
  await database.query(`UPDATE jobs SET format = 1, kind = 'dream' WHERE id = $1`, [later]);
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(await takers(later)).toEqual([]);
  await database.query(`UPDATE jobs SET kind = 'check' WHERE id = $1`, [later]);
  await ended(later);
});

test('a worker that is drained takes no more, and ends; the others go on', async () => {
  await drainWorker(lineage, 'plain');
  expect((await listWorkers(lineage)).map(({ name, draining }) => [name, draining])).toEqual([
    ['half', false],
    ['plain', true],
    ['whole', false],
  ]);
  await plain.drained;
  expect((await listWorkers(lineage)).map(({ name }) => name)).toEqual(['half', 'whole']);
  const next = await submit();
  await ended(next);
  expect(await takers(next)).not.toContain('plain');
  await expect(drainWorker(lineage, 'plain')).rejects.toMatchObject({ code: 'unknown_worker' });
});
