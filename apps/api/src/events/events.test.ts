// Events as a list and as a stream: complete, in order, resumable, alive while nothing happens, ended with the job.
import { createKey, finishJob, moveJob, releaseLease, revokeKey } from '@errata/lineage';
import { createErrata, type ErrataApiError } from '@errata/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let lane: string;
let address: string;
beforeAll(async () => {
  api = await openApi();
  ({ lane } = await api.importModel('atlas'));
  address = await api.app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => api.close());

const submit = async () =>
  (await api.post('/v1/edit_jobs', { model: 'atlas', edits: [anEdit('France')] })).body.id as string;
const streamOf = (job: string, headers: Record<string, string> = {}) =>
  fetch(`${address}/v1/jobs/${job}/events`, {
    headers: { authorization: `Bearer ${api.key}`, accept: 'text/event-stream', ...headers },
  });

/** Reads a stream until it ends or `enough` says so. */
async function read(response: Response, enough: (text: string) => boolean = () => false): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true });
    if (enough(text)) break;
  }
  return text;
}
const typesIn = (text: string) => [...text.matchAll(/^event: (.*)$/gm)].map(([, type]) => type);
const idsIn = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => Number(id));

test('a stream tells the past, then what happens, with heartbeats, and ends with the job', async () => {
  const job = await submit();
  const response = await streamOf(job);
  expect([
    response.status,
    response.headers.get('content-type'),
    response.headers.get('x-content-type-options'),
  ]).toEqual([200, 'text/event-stream; charset=utf-8', 'nosniff']);
  const reading = read(response);
  const { lease, job: taken } = await api.take(lane);
  // A heartbeat comes while nothing happens: a second stream sees one before the job goes on.
  await read(await streamOf(job), (text) => text.includes(': heartbeat\n\n'));
  const version = await api.commit(lease, taken);
  const text = await reading;
  expect(typesIn(text)).toEqual(['queued', 'running', 'evaluating', 'committing', 'succeeded']);
  const ids = idsIn(text);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  const last = JSON.parse(/data: (.*)\n\n$/.exec(text)![1]!);
  expect(last).toMatchObject({ job_id: job, state: 'succeeded', data: { version_id: version } });

  const list = await api.get(`/v1/jobs/${job}/events?limit=2`);
  expect(list.body.data.map(({ id }: { id: number }) => id)).toEqual(ids.slice(0, 2));
  const rest = await api.get(`/v1/jobs/${job}/events?after=${list.body.next_cursor}`);
  expect(rest.body).toMatchObject({ has_more: false, next_cursor: null });
  expect(rest.body.data.map(({ id }: { id: number }) => id)).toEqual(ids.slice(2));

  const resumed = await read(await streamOf(job, { 'last-event-id': String(ids[2]) }));
  expect(idsIn(resumed)).toEqual(ids.slice(3));
  const nothing = await streamOf(job, { 'last-event-id': String(ids[4]) });
  expect([nothing.status, await nothing.text()]).toEqual([204, '']);
});

test('a stream over the failure of a job goes on when it has been retried', async () => {
  const job = await submit();
  expect((await api.post(`/v1/jobs/${job}/cancel`, undefined)).body.state).toBe('cancelled');
  const cancelled = await read(await streamOf(job));
  expect(typesIn(cancelled)).toEqual(['queued', 'cancelled']);
  const retried = await api.post(`/v1/jobs/${job}/retry`, undefined);
  expect(retried.body).toMatchObject({ state: 'queued', attempts: 0 });
  const reading = read(await streamOf(job));
  await api.carryOut(lane);
  expect(typesIn(await reading)).toEqual([
    'queued',
    'cancelled',
    'queued',
    'running',
    'evaluating',
    'committing',
    'succeeded',
  ]);
  const refused = await api.post(`/v1/jobs/${job}/retry`, undefined);
  expect([refused.status, refused.body.code]).toEqual([409, 'not_retryable']);
  expect((await api.post(`/v1/jobs/${job}/cancel`, undefined)).body.code).toBe('not_cancellable');
});

test('cancelling is for those who may submit', async () => {
  const job = await submit();
  const token = await api.keyWith('models:read', 'versions:rollback');
  const refused = await api.post(`/v1/jobs/${job}/cancel`, undefined, { token });
  expect([refused.status, refused.body.code, refused.body.details]).toEqual([
    403,
    'missing_scope',
    { scope: 'edits:write' },
  ]);
  expect((await api.get(`/v1/jobs/${job}`)).body.state).toBe('queued');
  await api.post(`/v1/jobs/${job}/cancel`, undefined);
});

test('a wrong event id or job is a problem, not a stream', async () => {
  const job = await submit();
  await api.post(`/v1/jobs/${job}/cancel`, undefined);
  expect((await streamOf(job, { 'last-event-id': '1; drop' })).status).toBe(400);
  expect((await streamOf('job_none')).status).toBe(404);
  expect((await api.get('/v1/jobs/job_none/events')).body.code).toBe('unknown_job');
});

test('a stream whose key is revoked, or loses its scope or the model, ends and says why; others go on', async () => {
  const job = await submit();
  const other = read(await streamOf(job));
  const { id: projectId } = (await api.get('/v1/projects/default')).body;
  await api.post('/v1/projects', { name: 'elsewhere' });
  const losses = {
    unauthorized: (id: string) => revokeKey(api.lineage, id),
    missing_scope: (id: string) =>
      api.lineage.prisma.apiKey.update({ where: { id }, data: { scopes: ['edits:write'] } }),
    model_out_of_reach: () => api.call('PUT', '/v1/projects/elsewhere/models/atlas'),
  };
  for (const [code, lose] of Object.entries(losses)) {
    const { key, token } = await createKey(api.lineage, 'lost', ['models:read'], { projectId });
    let tell = () => {};
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const reading = read(await streamOf(job, { authorization: `Bearer ${token}` }), (text) => {
      if (text.includes('event: queued')) tell();
      return false;
    });
    await told;
    const following = (async () => {
      const seen: string[] = [];
      try {
        for await (const { type } of createErrata({ baseUrl: address, apiKey: token }).jobs.events(job)) {
          seen.push(type);
          // It is open, and has told what there is.
          if (type === 'queued') await lose(key.id);
        }
      } catch (error) {
        return [...seen, (error as ErrataApiError).code];
      }
      return seen;
    })();
    const text = await reading;
    expect(typesIn(text)).toEqual(['queued', 'error']);
    const problem = JSON.parse(/event: error\ndata: (.*)\n\n$/.exec(text)![1]!);
    expect(problem).toMatchObject({ code, retryable: false, request_id: expect.stringMatching(/^req_/) });
    expect(await following).toEqual(['queued', code]);
  }
  await api.carryOut(lane);
  expect(typesIn(await other)).toEqual(['queued', 'running', 'evaluating', 'committing', 'succeeded']);
});

test('the client follows a job over a server that is closed and another that takes its place', async () => {
  const job = await submit();
  const { lease, job: taken } = await api.take(lane);
  let serving = await openSecond();
  const { port } = new URL(serving.address);
  const errata = createErrata({ baseUrl: `http://127.0.0.1:${port}`, apiKey: api.key });
  const seen: string[] = [];
  for await (const event of errata.jobs.events(job)) {
    seen.push(event.type);
    if (event.type === 'running') {
      await serving.app.close();
      await moveJob(api.lineage, lease, job, 'running', 'evaluating');
      serving = await openSecond(Number(port));
    }
    if (event.type === 'evaluating') {
      await moveJob(api.lineage, lease, job, 'evaluating', 'committing');
      await finishJob(api.lineage, lease, { jobId: taken.id, from: 'committing', to: 'failed' });
      await releaseLease(api.lineage, lease);
    }
  }
  expect(seen).toEqual(['queued', 'running', 'evaluating', 'committing', 'failed']);
  await serving.app.close();

  async function openSecond(at = 0) {
    const app = await api.another();
    return { app, address: await app.listen({ port: at, host: '127.0.0.1' }) };
  }
});
