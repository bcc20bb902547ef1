// What waits, who is at it, and what went wrong, from rows that jobs leave.
import { finishJob, moveJob, noteWorker, releaseLease } from '@errata/lineage';
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
