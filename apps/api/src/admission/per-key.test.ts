// What one key may have under way at once: whatever queues a job is turned away at the limit, and another key is not.
import { once } from 'node:events';
import { request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { scopes } from '@errata/contracts';
import { cancelJob } from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let port: number;
beforeAll(async () => {
  api = await openApi({ jobsPerKey: 2, streamsPerKey: 2, bodyLimit: 10_000 });
  await api.importModel('atlas');
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  ({ port } = api.app.server.address() as AddressInfo);
});
afterAll(() => api.close());

const edits = [anEdit('France')];

test('every request that queues a job is turned away while a key has its number of them', async () => {
  const headers = { 'idempotency-key': 'first' };
  const first = await api.post('/v1/edit_jobs', { model: 'atlas', edits }, { headers });
  const second = await api.post('/v1/models', { name: 'more', path: 'x' });
  const submissions: Readonly<Record<string, object | undefined>> = {
    '/v1/models': { name: 'third', path: 'x' },
    '/v1/artefacts': { model: 'atlas', kind: 'second_moment' },
    '/v1/edit_jobs': { model: 'atlas', edits },
    '/v1/cherry_picks': { model: 'atlas', job_id: first.body.id },
    '/v1/rollbacks': { model: 'atlas', mode: 'reset', to_version: 'main', reason: 'x' },
    '/v1/evaluations': { model: 'atlas', suite: 'applied' },
    '/v1/comparisons': { one: 'a', other: 'b' },
    '/v1/bisections': { model: 'atlas', probe: { prompt: 'x' } },
    '/v1/blame': { model: 'atlas', prompt: 'x' },
    '/v1/checks': {},
    '/v1/collections': {},
    '/v1/jobs/{job}/retry': undefined,
  };
  const { paths } = api.app.swagger() as { paths: Record<string, { post?: { responses: Record<string, unknown> } }> };
  const queueing = Object.entries(paths).flatMap(([path, { post }]) =>
    JSON.stringify(post?.responses?.['202'] ?? '').includes('/Job"') ? [path] : [],
  );
  expect([...queueing, '/v1/jobs/{job}/retry'].sort()).toEqual(Object.keys(submissions).sort());
  const before = await api.counts();
  for (const [path, body] of Object.entries(submissions)) {
    const answer = await api.post(path.replace('{job}', first.body.id), body);
    expect([path, answer.status, answer.body.code, answer.headers['retry-after']]).toEqual([
      path,
      429,
      'too_many_jobs',
      '10',
    ]);
  }
  expect(await api.counts()).toEqual(before);

  // What was queued already is told again; another key has room of its own, and so has this one once a job has ended.
  expect((await api.post('/v1/edit_jobs', { model: 'atlas', edits }, { headers })).body.id).toBe(first.body.id);
  const token = await api.keyWith(...scopes);
  expect((await api.post('/v1/edit_jobs', { model: 'atlas', edits }, { token })).status).toBe(202);
  await cancelJob(api.lineage, second.body.id);
  expect((await api.post('/v1/models', { name: 'third', path: 'x' })).status).toBe(202);
});

test('a key has its number of streams, and room again when one closes', async () => {
  const job = (await api.get('/v1/jobs?state=queued')).body.data[0].id;
  const open = async () => {
    const headers = { authorization: `Bearer ${api.key}`, accept: 'text/event-stream' };
    const request = send({ port, path: `/v1/jobs/${job}/events`, headers }).end();
    request.on('error', () => {});
    const [response] = await once(request, 'response');
    return { status: response.statusCode as number, leave: () => request.destroy() };
  };
  const [one, two] = [await open(), await open()];
  const third = await api.get(`/v1/jobs/${job}/events`, { headers: { accept: 'text/event-stream' } });
  expect([one.status, two.status, third.status, third.body.code]).toEqual([200, 200, 429, 'too_many_streams']);
  expect((await api.get(`/v1/jobs/${job}/events`)).status).toBe(200);
  one.leave();
  await expect
    .poll(async () => {
      const again = await open();
      if (again.status === 200) again.leave();
      return again.status;
    })
    .toBe(200);
  two.leave();
});

test('bodies that one key sends at once have a sum', async () => {
  const headers = { authorization: `Bearer ${api.key}`, 'content-type': 'application/json', 'content-length': '9000' };
  const begun = Array.from({ length: 4 }, () => {
    const request = send({ port, path: '/v1/edit_jobs', method: 'POST', headers });
    request.on('error', () => {});
    request.write('{');
    return request;
  });
  const refused = () => api.post('/v1/suites', { name: 'x'.repeat(5000), probes: [] });
  // The machine may have other things to do.
  const code = () => expect.poll(async () => (await refused()).body.code, { timeout: 30_000 });
  await code().toBe('rate_limited');
  for (const request of begun) request.destroy();
  await code().toBe('invalid_request');
});
