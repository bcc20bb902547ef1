// What comes to the door and must not get further: bodies that would keep the service busy, texts that nothing can store, clients that never finish.
import { once } from 'node:events';
import { METHODS } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let port: number;
beforeAll(async () => {
  api = await openApi({ requestTimeoutMs: 300 });
  await api.importModel('atlas');
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  ({ port } = api.app.server.address() as AddressInfo);
});
afterAll(() => api.close());

const json = { 'content-type': 'application/json' };
const raw = (url: string, body: string | Buffer, headers: Record<string, string> = json) =>
  api.call('POST', url, { body, headers });

/** Sends what is given over a connection of its own; everything that came back once the other side has closed it. */
async function wire(...pieces: readonly (string | number)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  for (const piece of pieces) {
    if (typeof piece === 'number') await sleep(piece);
    else socket.write(piece);
  }
  await closed;
  return answer;
}

describe('a body that would keep the service busy is refused before anything is made of it', () => {
  const zeros = (count: number) => `[${'0,'.repeat(count - 1)}0]`;
  const chat = (messages: string) => `{"model": "atlas", "messages": ${messages}}`;
  const wrongMetadata = (count: number) =>
    `{"model":"atlas","edits":[],"metadata":{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join()}}}`;
  const brackets = '['.repeat(500_000);

  test.each([
    ['six million messages', '/v1/chat/completions', chat(zeros(6_000_000))],
    ['a million messages', '/v1/chat/completions', chat(zeros(1_000_000))],
    ['two million wrong values', '/v1/edit_jobs', wrongMetadata(2_000_000)],
    ['brackets in brackets', '/v1/edit_jobs', `{"model": "atlas", "edits": [${brackets}]}`],
  ])('%s', async (_, url, body) => {
    const before = process.memoryUsage.rss();
    const { status, text, body: problem } = await raw(url, body);
    expect([status, problem.code]).toEqual([413, 'payload_too_large']);
    expect(text.length).toBeLessThan(1000);
    // The body itself is in this process, and so are the copies that sending it makes.
    expect(process.memoryUsage.rss() - before).toBeLessThan(8 * body.length + 100e6);
  });

  test.each([
    ['wrong values', '/v1/chat/completions', chat(zeros(9999))],
    [
      'fields that are not there',
      '/v1/chat/completions',
      `{${Array.from({ length: 9000 }, (_, i) => `"k${i}":0`).join()}}`,
    ],
    ['wrong metadata', '/v1/edit_jobs', wrongMetadata(9999)],
    ['a name as long as a body', '/v1/edit_jobs', JSON.stringify({ ['x'.repeat(1_000_000)]: 1 })],
    [
      'a text as long as a body',
      '/v1/edit_jobs',
      JSON.stringify({ model: 'x'.repeat(1_000_000), edits: [anEdit('a')] }),
    ],
  ])('complaints of %s are few', async (_, url, body) => {
    const { status, text } = await raw(url, body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(text.length).toBeLessThan(50_000);
    expect(text).not.toContain('x'.repeat(500));
  });

  test('lines are held to the same: one that nests, many that are wrong, more than a batch', async () => {
    const lines = (...each: readonly string[]) =>
      raw('/v1/edit_jobs?model=atlas', each.join('\n'), { 'content-type': 'application/x-ndjson' });
    const nested = await lines(JSON.stringify(anEdit('a')), '['.repeat(1_000_000));
    expect(nested.body).toMatchObject({ code: 'malformed_jsonl', errors: [{ line: 2 }] });
    const wrong = await lines(...Array<string>(9000).fill('{}'));
    expect(wrong.body.code).toBe('invalid_edits');
    expect(wrong.body.detail).toContain('and at least 999 more');
    expect(wrong.body.errors).toHaveLength(100);
    expect((await lines(...Array<string>(10_001).fill('{}'))).status).toBe(413);
    const probes_jsonl = 'x\n'.repeat(10_001);
    expect((await api.post('/v1/suites', { name: 'many', probes_jsonl })).status).toBe(413);
  });

  test('so is an edit that holds more than any edit does', async () => {
    const edit = `{"custom_id": "a", "rephrases": [${Array(50).fill(zeros(900)).join()}]}`;
    const { status, body } = await raw('/v1/edit_jobs', `{"model": "atlas", "edits": [${edit}]}`);
    expect([status, body.code, body.errors.length]).toEqual([422, 'invalid_edits', 1]);
    expect(body.errors[0].message).toMatch(/more than 20000 values/);
  });

  test('a body is as large as its route needs', async () => {
    const large = 'x'.repeat(3 * 1024 * 1024);
    const asked = await api.post('/v1/completions', { model: 'atlas', prompt: large });
    expect([asked.status, asked.body.code]).toEqual([413, 'payload_too_large']);
    const edits_jsonl = JSON.stringify({ ...anEdit('a'), target_new: large });
    expect((await api.post('/v1/edit_jobs', { model: 'atlas', edits_jsonl })).body.errors[0].code).toBe(
      'target_too_long',
    );
    const prompt = '{}'.repeat(2000);
    const filled = await api.post('/v1/edit_jobs', {
      model: 'atlas',
      edits: [anEdit('a', { prompt, subject: 'x'.repeat(400) })],
    });
    expect(filled.body.errors[0]).toMatchObject({ field: 'prompt', pointer: '/edits/0/prompt' });
  });
});

describe('text that nothing can store is refused where it stands', () => {
  test.each([
    '/v1/models/%00',
    '/v1/models/a%00b',
    '/v1/jobs?after=%00',
    '/v1/models/%FF',
    '/v1/jobs?after=%ff',
    '/v1/models/%ED%A0%80',
    '/v1/models/%',
    '/v1/jobs?x=%u0000',
  ])('%s', async (url) => {
    const { status, headers, body } = await api.get(url);
    expect([status, body.code, body.retryable]).toEqual([400, 'invalid_request', false]);
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test('in a body, with the place of it', async () => {
    for (const text of ['\\u0000', 'a\\ud800', '\\udc00b']) {
      const { status, body } = await raw('/v1/models', `{"name": "a", "path": "x", "metadata": {"b": "${text}"}}`);
      expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'invalid_request', '/metadata/b']);
    }
    const emoji = await raw('/v1/models', '{"name": "emoji", "path": "x", "metadata": {"b": "\\ud83d\\ude00"}}');
    expect(emoji.status).toBe(202);
  });

  test('in bytes that are not UTF-8, in JSON and in lines', async () => {
    const body = Buffer.from('{"name": "a", "path": "\xff"}', 'latin1');
    for (const [url, headers] of [
      ['/v1/models', json],
      ['/v1/edit_jobs?model=atlas', { 'content-type': 'application/x-ndjson' }],
    ] as const) {
      const { status, body: problem } = await raw(url, body, headers);
      expect([status, problem.code, problem.detail]).toEqual([400, 'invalid_request', 'body: it is not UTF-8']);
    }
  });

  test('in an idempotency key, and a body too deep for one', async () => {
    const key = { ...json, 'idempotency-key': 'a\0b' };
    expect((await raw('/v1/models', '{"name":"a","path":"b"}', key)).body.code).toBe('invalid_request');
    const deep = `{"name":"a","path":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    expect((await raw('/v1/models', deep, { ...json, 'idempotency-key': 'deep' })).status).toBe(413);
  });
});

test('numbers and choices of a query are complained of as what they are', async () => {
  const message = async (url: string) => (await api.get(url)).body.errors[0].message;
  expect(await message('/v1/jobs?limit=-1')).toBe('limit is -1; it may be at least 1');
  expect(await message('/v1/jobs?limit=x')).toBe('limit must be a number, not "x"');
  expect(await message('/v1/jobs?limit=')).toBe('limit is empty');
  expect(await message('/v1/jobs?state=')).toMatch(/^state: nothing is no state; there are waiting, queued, /);
  expect(await message('/v1/jobs?state=queued,done')).toMatch(/^state: "done" is no state; /);
  const seeded = await raw('/v1/edit_jobs?model=atlas&seed=-1', JSON.stringify(anEdit('a')), {
    'content-type': 'application/x-ndjson',
  });
  expect(seeded.body.errors).toEqual([
    { code: 'invalid_request', field: 'seed', message: 'seed is -1; it may be at least 0' },
  ]);
});

test('a cursor that no row can have is none', async () => {
  const job = (await api.post('/v1/models', { name: 'cursor', path: 'x' })).body.id;
  for (const url of [
    `/v1/jobs/${job}/edits`,
    `/v1/jobs/${job}/events`,
    '/v1/models/atlas/branches/main/log',
    '/v1/models/atlas/branches/main/policy/history',
  ]) {
    for (const after of ['2147483648', '99999999999', '9'.repeat(16), '-1', '1e3', '']) {
      const { status, body } = await api.get(`${url}?after=${after}`);
      const known = after.length < 16 && url.endsWith('events') && /^[1-9]\d*$/.test(after);
      expect([url, after, status]).toEqual([url, after, known ? 200 : 400]);
      if (!known) expect(body.errors[0].field).toBe('after');
    }
  }
});

test('every verb is answered by a problem, with a key and without', async () => {
  for (const method of METHODS.filter((each) => each !== 'CONNECT')) {
    for (const token of ['', `Authorization: Bearer ${api.key}\r\n`]) {
      const answer = await wire(`${method} /v1/nothing HTTP/1.1\r\nHost: x\r\n${token}Connection: close\r\n\r\n`);
      expect([method, answer.split('\r\n')[0]]).toEqual([method, 'HTTP/1.1 404 Not Found']);
      const known = await wire(`${method} /v1/models/atlas HTTP/1.1\r\nHost: x\r\n${token}Connection: close\r\n\r\n`);
      const status = method === 'GET' ? (token === '' ? '401 Unauthorized' : '200 OK') : '405 Method Not Allowed';
      expect([method, known.split('\r\n')[0]]).toEqual([method, `HTTP/1.1 ${status}`]);
    }
  }
});

test('what is no request at all is answered by a problem', async () => {
  for (const [sent, status] of [
    ['CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 405],
    ['BREW / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [`GET /v1/models/${'x'.repeat(301)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 400],
    ['GET /v1/models/%FF HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
    ['GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: nothing\r\nConnection: close\r\n\r\n', 200],
  ] as const) {
    const answer = await wire(sent);
    expect([sent.slice(0, 40), Number(answer.split(' ')[1])]).toEqual([sent.slice(0, 40), status]);
    if (status !== 200) expect(answer).toMatch(/content-type: application\/problem\+json.*"code":/s);
  }
});

const post = (token: string) =>
  `POST /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`;

test('who hangs up is no error of the service', async () => {
  const logged: { level: number; msg: string }[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const app = await api.another({ logger });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(`${post(api.key)}{"name"`);
  await expect.poll(() => logged.some(({ msg }) => msg === 'incoming request')).toBe(true);
  // The key is looked up, and the body waited for.
  await sleep(50);
  socket.destroy();
  await expect.poll(() => logged.some(({ msg }) => msg === 'the caller hung up')).toBe(true);
  expect(logged.filter(({ level }) => level > 30)).toEqual([]);
  await app.close();
});

describe('a client that never finishes', () => {
  test('is told that its key is bad at once, and its connection is closed', async () => {
    expect(await wire(post('wrong'), '{')).toMatch(/^HTTP\/1.1 401 .*connection: close/s);
  });

  test('is let go when it sends no more, and when it drips', async () => {
    expect(await wire(post(api.key), '{')).toMatch(/^HTTP\/1.1 408 .*"code":"request_timeout"/s);
    const drops = Array.from({ length: 40 }, () => [' ', 50] as const).flat();
    expect(await wire(post(api.key), '{', ...drops)).toMatch(/^HTTP\/1.1 408 /);
    expect(await wire('GET /healthz HTTP/1.1\r\nHost: x\r\n')).toMatch(/^HTTP\/1.1 408 /);
  });
});
