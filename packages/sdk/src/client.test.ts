// The client against a peer that fails in the ways servers and networks do: each fault over a real connection.
import { getEventListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JobEvent, JobState, Problem } from '@errata/contracts';
import { afterEach, expect, test } from 'vitest';
import { collectGarbage } from '../../../test/support/garbage.ts';
import { createErrata, ErrataApiError, type ErrataOptions } from './index.ts';

type Step = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const open: { close(): void }[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

/** A peer that answers the first request by the first step, and so on; the last step answers whatever comes after. */
const peer = (...steps: readonly Step[]) => peerWith({}, ...steps);

/** The same, asked by a client with these settings. */
async function peerWith(options: Partial<ErrataOptions>, ...steps: readonly Step[]) {
  const seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    steps[Math.min(seen.length, steps.length) - 1]!(request, response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  const { port } = server.address() as AddressInfo;
  const errata = createErrata({ baseUrl: `http://127.0.0.1:${port}/v1/`, apiKey: 'errata_key', ...options });
  return { errata, seen };
}

const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Step =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));

const problem = (code: string, status: number, retryable: boolean, rest: Partial<Problem> = {}): Step =>
  json(
    {
      type: 'about:blank',
      title: '',
      status,
      detail: 'it is so',
      code,
      request_id: 'req_1',
      retryable,
      errors: [],
      ...rest,
    },
    status,
    { 'content-type': 'application/problem+json; charset=utf-8', 'retry-after': '0' },
  );

const hangUp: Step = (_, response) => response.destroy();

const event = (id: number, state: JobState): JobEvent => ({
  id,
  job_id: 'job_1',
  type: state,
  state,
  data: {},
  created_at: '2026-11-21T00:00:00.000Z',
});
const events =
  (shown: readonly JobEvent[], breakOff = false): Step =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 1000\n\n: heartbeat\n\n');
    const text = shown.map((e) => `id: ${e.id}\nevent: ${e.type}\ndata: ${JSON.stringify(e)}\n\n`).join('');
    if (breakOff) response.write(`${text}id: 99\ndata: {"id": 9`, () => response.destroy());
    else response.end(text);
  };

test('a refusal carries the code, the complaints and the request id, and is not tried again', async () => {
  const complaint = { code: 'empty_target', message: 'target_new is empty', line: 3, field: 'target_new' };
  const { errata, seen } = await peer(problem('invalid_edits', 422, false, { errors: [complaint] }));
  const refused = errata.editJobs.create({ model: 'atlas', edits_jsonl: '' });
  await expect(refused).rejects.toBeInstanceOf(ErrataApiError);
  await expect(refused).rejects.toMatchObject({
    code: 'invalid_edits',
    status: 422,
    requestId: 'req_1',
    retryable: false,
    errors: [complaint],
  });
  expect(seen).toHaveLength(1);
  expect(seen[0]!.headers.authorization).toBe('Bearer errata_key');
});

test('what may pass is tried again under one idempotency key, over lost connections too', async () => {
  const { errata, seen } = await peer(hangUp, problem('unavailable', 503, true), json({ id: 'job_1' }, 202));
  expect(await errata.rollbacks.create({ model: 'atlas', mode: 'reset', reason: 'tried' })).toEqual({ id: 'job_1' });
  expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual(Array(3).fill('POST /v1/rollbacks'));
  const keys = new Set(seen.map(({ headers }) => headers['idempotency-key']));
  expect(keys.size).toBe(1);
  expect([...keys][0]).toMatch(/^[0-9a-f]{32}$/);
});

test('the retries are counted; a code from the future is kept', async () => {
  const { errata, seen } = await peer(problem('brand_new', 503, true));
  await expect(errata.jobs.cancel('job_1')).rejects.toMatchObject({ code: 'internal', details: { code: 'brand_new' } });
  expect(seen).toHaveLength(5);
});

test('a page that is no problem is one by its status, and an address where nobody is says so', async () => {
  const { errata, seen } = await peer((_, response) => response.writeHead(404).end('<html>'));
  await expect(errata.models.get('a/b')).rejects.toMatchObject({ status: 404, retryable: false });
  expect(seen[0]!.url).toBe('/v1/models/a%2Fb');
  const nobody = createErrata({ baseUrl: 'http://127.0.0.1:1', apiKey: 'k', maxRetries: 0 });
  await expect(nobody.models.get('a')).rejects.toMatchObject({ code: 'unavailable' });
  expect(await nobody.ready()).toBe(false);
});

test('answers that do not come, or stop half way, are given up in time, whatever is collected meanwhile', async () => {
  const silent: Step = () => {};
  const halfWay: Step = (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":');
  const garbage = collectGarbage();
  const leaving = new AbortController();
  for (const step of [silent, halfWay]) {
    const { errata } = await peerWith({ timeoutMs: 300, maxRetries: 0 }, step);
    const calls = Array.from({ length: 100 }, () => errata.jobs.get('job_1', { signal: leaving.signal }));
    const ended = await Promise.allSettled(calls);
    expect(ended.map((end) => end.status === 'rejected' && end.reason.code)).toEqual(Array(100).fill('timeout'));
  }
  garbage.stop();
  expect(getEventListeners(leaving.signal, 'abort')).toHaveLength(0);
  const { errata, seen } = await peerWith({ timeoutMs: 300 }, halfWay, json({ id: 'job_1' }));
  expect(await errata.jobs.get('job_1')).toEqual({ id: 'job_1' });
  expect(seen).toHaveLength(2);
});

test('pages are fetched as they are read', async () => {
  const { errata, seen } = await peer(
    json({ data: [1, 2], has_more: true, next_cursor: 'c 1' }),
    json({ data: [3], has_more: false, next_cursor: null }),
  );
  const jobs = errata.jobs.list({ state: 'queued', limit: 2 });
  expect(seen).toHaveLength(0);
  expect(await jobs.all()).toEqual([1, 2, 3]);
  expect(seen.map(({ url }) => url)).toEqual([
    '/v1/jobs?state=queued&limit=2',
    '/v1/jobs?state=queued&limit=2&after=c+1',
  ]);
});

test('events are taken up again after a broken line, each seen once, and end with the terminal one', async () => {
  const { errata, seen } = await peer(
    events([event(1, 'queued'), event(2, 'failed'), event(5, 'queued')], true),
    events([event(5, 'queued'), event(7, 'running')]),
    events([event(8, 'succeeded')]),
  );
  const ids: number[] = [];
  for await (const { id } of errata.jobs.events('job_1')) ids.push(id);
  expect(ids).toEqual([1, 2, 5, 7, 8]);
  expect(seen.map(({ headers }) => headers['last-event-id'])).toEqual(['0', '5', '7']);
});

test('events that fall silent, as after a sleep, are taken up again', async () => {
  const silent: Step = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`id: 3\ndata: ${JSON.stringify(event(3, 'running'))}\n\n`);
  };
  const { errata, seen } = await peer(silent, events([event(4, 'succeeded')]));
  const ids: number[] = [];
  for await (const { id } of errata.jobs.events('job_1', { silenceMs: 200 })) ids.push(id);
  expect(ids).toEqual([3, 4]);
  expect(seen.map(({ headers }) => headers['last-event-id'])).toEqual(['0', '3']);
});

test('waiting ends at once for a job that ended before, and its signal stops it', async () => {
  const { errata } = await peer((_, response) => response.writeHead(204).end(), json({ id: 'job_1', state: 'failed' }));
  expect(await errata.jobs.wait('job_1')).toMatchObject({ state: 'failed' });
  const stop = new AbortController();
  const silent = await peer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': heartbeat\n\n');
    stop.abort(new Error('enough'));
  });
  await expect(silent.errata.jobs.wait('job_1', { signal: stop.signal })).rejects.toThrow('enough');
});
