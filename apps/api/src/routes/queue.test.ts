// What waits, who is at it, and what went wrong, from rows that jobs leave.
import { rm } from 'node:fs/promises';
import { build } from '@errata/contracts';
import { commitReport, finishJob, moveJob, noteBackup, noteWorker, releaseLease } from '@errata/lineage';
import { collectGarbage } from '@errata/upkeep';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let lane: string;
beforeAll(async () => {
  api = await openApi();
  ({ lane } = await api.importModel('atlas'));
});
afterAll(() => api.close());

const submit = async (country: string): Promise<string> =>
  (await api.post('/v1/edit_jobs', { model: 'atlas', edits: [anEdit(country)] })).body.id;

test('workers that are heard of, each with the jobs of the lanes it holds', async () => {
  const [first] = [await submit('Peru'), await submit('Chad')];
  expect((await api.get('/v1/queue')).body).toMatchObject({
    object: 'queue',
    backend: 'postgres',
    wake_ups: { waiting: 1, active: 0 },
    jobs: { queued: 2 },
    waiting_since: expect.any(String),
    workers: [],
  });

  const { lease } = await api.take(lane);
  await noteWorker(api.lineage, lease.holder, 60_000);
  await noteWorker(api.lineage, 'idle', 60_000);
  await noteWorker(api.lineage, 'long silent', -1000);
  const { body } = await api.get('/v1/queue');
  expect(body.jobs).toEqual({ queued: 1, running: 1 });
  expect(body.workers).toMatchObject([
    {
      name: lease.holder,
      work: [{ job_id: first, kind: 'edit', state: 'running', branch: 'main', lane, attempts: 1 }],
    },
    { name: 'idle', work: [] },
  ]);
  await finishJob(api.lineage, lease, {
    jobId: first,
    from: 'running',
    to: 'failed',
    error: { code: 'engine_crashed', message: 'the engine went away', errors: [], details: {} },
  });
  await releaseLease(api.lineage, lease);
});

test('failures by cause: of what was gated out, once for each rule that it broke', async () => {
  const before = new Date().toISOString();
  const finding = (metric: string, outcome: 'passed' | 'failed') => ({ metric, min: 0.7, value: 0.5, outcome });
  for (const country of ['Oman', 'Mali']) {
    await submit(country);
    const { lease, job } = await api.take(lane);
    await moveJob(api.lineage, lease, job.id, 'running', 'evaluating');
    await finishJob(api.lineage, lease, {
      jobId: job.id,
      from: 'evaluating',
      to: 'gated_out',
      gate: {
        passed: false,
        findings: [finding('locality', 'failed'), finding('reliability', country === 'Mali' ? 'failed' : 'passed')],
      },
    });
    await releaseLease(api.lineage, lease);
  }
  const counted = ({ state, cause, jobs }: { state: string; cause: string; jobs: number }) => [state, cause, jobs];
  const all = (await api.get('/v1/failures')).body;
  expect(all.causes.map(counted)).toEqual([
    ['gated_out', 'locality', 2],
    ['gated_out', 'reliability', 1],
    ['failed', 'engine_crashed', 1],
  ]);
  expect(all.causes.at(-1)).toMatchObject({ message: 'the engine went away', kind: 'edit' });
  const late = (await api.get(`/v1/failures?since=${before}`)).body;
  expect(late).toMatchObject({ since: before });
  expect(late.causes.map(counted)).toEqual([
    ['gated_out', 'locality', 2],
    ['gated_out', 'reliability', 1],
  ]);
  expect((await api.get('/v1/failures?since=lately')).body.errors).toMatchObject([{ field: 'since' }]);
});

test('Bull Board shows the raw queue to administrators, and changes nothing', async () => {
  const page = await api.app.inject({ url: '/bull-board/queue/errata-lanes' });
  expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.headers['content-security-policy']).toContain("script-src 'self';");
  expect(page.payload).toContain('<base href="/bull-board/" />');
  expect(page.payload).not.toMatch(/<%|(?:src|href)="(?:https?:)?\/\//);
  const [, script] = /src="(static\/js\/main[^"]*)"/.exec(page.payload)!;
  const file = await api.app.inject({ url: `/bull-board/${script}` });
  expect([file.statusCode, file.headers['content-type']]).toEqual([200, 'text/javascript; charset=utf-8']);
  for (const path of ['static/..%2Findex.ejs', 'static/nothing.js', 'api/nothing', 'api/queues/%25'])
    expect((await api.get(`/bull-board/${path}`)).status, path).toBe(404);

  const asked = '/bull-board/api/queues?activeQueue=errata-lanes&status=latest&page=1&jobsPerPage=10';
  const { queues } = (await api.get(asked)).body;
  expect(queues).toMatchObject([{ name: 'errata-lanes', readOnlyMode: true, counts: { waiting: 1 } }]);
  expect(queues[0].jobs).toMatchObject([{ name: 'wake', data: { lane } }]);
  expect((await api.get(asked, { token: null })).status).toBe(401);
  const weak = { token: await api.keyWith('models:read') };
  expect((await api.get(asked, weak)).body).toMatchObject({ code: 'missing_scope', details: { scope: 'admin' } });
  for (const verb of ['pause', 'empty', 'obliterate'])
    expect((await api.call('PUT', `/bull-board/api/queues/errata-lanes/${verb}`)).status).toBe(404);
});

test('what is stored, by what the last collection counted; and how the service is, with its last backup', async () => {
  expect((await api.get('/v1/storage')).body).toMatchObject({
    blobs: { kind: 'directory', disk: { free_bytes: expect.any(Number) }, marked: { blobs: 0, bytes: 0, since: null } },
    counted: null,
  });
  expect((await api.get('/v1/health')).body).toMatchObject({ build, backup: null, check: null, collection: null });

  const stray = await api.blobs.put(Buffer.from('nobody names this'));
  const collect = async (dryRun: boolean) => {
    const { id } = (await api.post('/v1/collections', { dry_run: dryRun })).body;
    const { lease } = await api.take('upkeep');
    await moveJob(api.lineage, lease, id, 'running', 'committing');
    const report = await collectGarbage(api.lineage, api.blobs, { dryRun, graceMs: 3_600_000 });
    await commitReport(api.lineage, lease, { jobId: id, outcome: 'succeeded', report });
    await releaseLease(api.lineage, lease);
    return id;
  };
  const dry = await collect(true);
  const { blobs, counted, database } = (await api.get('/v1/storage')).body;
  expect(counted).toMatchObject({ job_id: dry, report: { dry_run: true, marked: { blobs: 1, bytes: stray.size } } });
  expect(counted.report.uses).toEqual([{ use: 'model', kind: null, ...counted.report.named }]);
  expect(counted.report.largest).toContainEqual({ blob: stray.sha256, bytes: stray.size, by: null });
  expect(counted.report.largest[0].by).toMatch(/^model atlas, /);
  expect(blobs.disk.free_bytes).toBeLessThan(blobs.disk.bytes);
  expect(database.tables.length).toBeGreaterThan(5);
  expect(database.bytes).toBeGreaterThan(database.tables[0].bytes);

  const real = await collect(false);
  expect((await api.get('/v1/storage')).body.blobs.marked).toMatchObject({
    blobs: 1,
    bytes: stray.size,
    since: expect.any(String),
  });
  const backup = { digest: '0'.repeat(64), place: 's3://elsewhere', blobs: 3, bytes: 700 };
  for (const made_at of ['2026-11-02T00:00:00.000Z', '2026-11-01T00:00:00.000Z'])
    await noteBackup(api.lineage, { ...backup, made_at });
  await rm(api.blobsDir, { recursive: true });
  const health = (await api.get('/v1/health')).body;
  expect(health).toMatchObject({
    backup: { ...backup, made_at: '2026-11-02T00:00:00.000Z' },
    check: null,
    collection: { job_id: real, state: 'succeeded' },
    needs: { database: { ms: expect.any(Number) }, queue: { ms: expect.any(Number), backend: 'postgres' } },
    vitals: { failures: [{ kind: 'edit', code: 'engine_crashed' }] },
  });
  expect(health.needs.blobs).toEqual({ kind: 'directory', ms: null });
  expect((await api.get('/v1/storage')).body.blobs.disk).toBeNull();
});
