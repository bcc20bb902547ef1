// Sending to a real receiver: what it is told and can check, and every way to be led to an address that may not be sent to.
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, test } from 'vitest';
import { allowAddresses, type Resolve, requireAllowed, sendOnce } from './index.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const message = { type: 'job.ended', timestamp: '2026-11-29T12:00:00.000Z', data: { job_id: 'job_ü' } } as const;
const local = allowAddresses(['127.0.0.0/8']);

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
const servers: ReturnType<typeof createServer>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
});

/** A receiver on this machine that keeps what it gets. */
async function receiver(answer: RequestListener = (_, response) => response.end()) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    received.push({ headers: request.headers, body });
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { received, port: (server.address() as AddressInfo).port };
}
const send = (url: string, more: Partial<Parameters<typeof sendOnce>[1]> = {}, secrets: readonly string[] = [secret]) =>
  sendOnce({ id: 'delivery_1', url, secrets, message }, { allowed: local, ...more });

test('the receiver can check who sent it, that nobody changed it, and that it is fresh', async () => {
  const { received, port } = await receiver();
  expect(await send(`http://127.0.0.1:${port}/hook?a=b`)).toEqual({ status: 200, error: null, retryAfterMs: null });
  const { headers, body } = received[0]!;
  const check = new Webhook(secret);
  expect(check.verify(body, headers as Record<string, string>)).toEqual(message);
  expect(headers['webhook-id']).toBe('delivery_1');
  expect(() => check.verify(body.replace('ü', 'u'), headers as Record<string, string>)).toThrow();
  expect(() => new Webhook(Buffer.alloc(32, 8)).verify(body, headers as Record<string, string>)).toThrow();
});

test('while a secret is replaced, who has either of the two can check it, and nobody else', async () => {
  const { received, port } = await receiver();
  const next = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
  await send(`http://127.0.0.1:${port}/`, {}, [next, secret]);
  const { headers, body } = received[0]!;
  for (const each of [next, secret])
    expect(new Webhook(each).verify(body, headers as Record<string, string>)).toEqual(message);
  expect(() => new Webhook(Buffer.alloc(32, 8)).verify(body, headers as Record<string, string>)).toThrow();
});

test('a redirect is not followed, wherever it leads', async () => {
  const inner = await receiver();
  for (const status of [301, 302, 303, 307, 308]) {
    const outer = await receiver((_, response) => {
      response.writeHead(status, { location: `http://127.0.0.1:${inner.port}/` }).end();
    });
    const sent = await send(`http://127.0.0.1:${outer.port}/`);
    expect(sent).toMatchObject({ status, error: expect.stringContaining('redirects are not followed') });
  }
  expect(inner.received).toEqual([]);
});

test('what the receiver says otherwise is no delivery, and how long it wants to be left alone is told', async () => {
  const { port } = await receiver((_, response) => response.writeHead(503, { 'retry-after': '7' }).end());
  expect(await send(`http://127.0.0.1:${port}/`)).toEqual({ status: 503, error: 'answered 503', retryAfterMs: 7000 });
});

test('a receiver that says nothing, or never ends its answer, is not waited for', async () => {
  const silent = await receiver(() => {});
  const url = `http://127.0.0.1:${silent.port}/`;
  expect(await send(url, { timeoutMs: 50 })).toMatchObject({ status: null, error: 'no answer within 0.05 s' });
  const endless = await receiver((_, response) => void response.writeHead(200).write('x'));
  expect(await send(`http://127.0.0.1:${endless.port}/`)).toMatchObject({ status: 200, error: null });
  const hanging: Resolve = () => new Promise(() => {});
  expect(await send('https://a.example/', { timeoutMs: 50, resolve: hanging })).toMatchObject({ status: null });
});

describe('addresses that may not be sent to', () => {
  const none = allowAddresses([]);

  test.each([
    'https://127.0.0.1/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://0.0.0.0/',
    'https://10.1.2.3/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/',
    'https://224.0.0.1/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://localhost/',
  ])('%s', async (url) => {
    await expect(requireAllowed(url, none)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await send(url, { allowed: none })).toMatchObject({
      status: null,
      error: expect.stringContaining('may be sent to'),
    });
  });

  test('without TLS, public ones', async () => {
    await expect(requireAllowed('http://93.184.215.14/', none)).rejects.toThrow('by https only');
    await expect(requireAllowed('https://93.184.215.14/', none)).resolves.toBeUndefined();
    await expect(requireAllowed('https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/', none)).resolves.toBeUndefined();
  });

  test('but those that were named, and no others', async () => {
    const named = allowAddresses(['10.0.0.0/8', '192.168.7.7', 'fd00::/8']);
    for (const url of ['http://10.9.9.9/', 'http://192.168.7.7/', 'https://[fd12::1]/'])
      await expect(requireAllowed(url, named)).resolves.toBeUndefined();
    for (const url of ['http://11.0.0.1/', 'https://192.168.7.8/', 'https://127.0.0.1/', 'https://[fe80::1]/'])
      await expect(requireAllowed(url, named)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(() => allowAddresses(['10.0.0.0/40'])).toThrow('10.0.0.0/40');
    expect(() => allowAddresses(['localhost'])).toThrow('localhost');
  });

  test('a name that was public when it was looked at and leads inside afterwards', async () => {
    const { received, port } = await receiver();
    const asked: string[] = [];
    // The first answer is for whoever checks, all later ones for whoever connects.
    const rebinding: Resolve = async (host) => {
      asked.push(host);
      return [{ address: asked.length === 1 ? '203.0.114.9' : '127.0.0.1', family: 4 }];
    };
    const url = `https://rebind.example:${port}/`;
    // What was checked is what is connected to: there, nobody answers.
    expect(await send(url, { allowed: none, resolve: rebinding, timeoutMs: 200 })).toMatchObject({ status: null });
    expect(asked).toEqual(['rebind.example']);
    expect(await send(url, { allowed: none, resolve: rebinding })).toMatchObject({
      error: 'rebind.example is at 127.0.0.1, which is not an address that may be sent to',
    });
    expect(received).toEqual([]);
  });

  test('a name with one address outside and one inside', async () => {
    const { received, port } = await receiver();
    const both: Resolve = async () => [
      { address: '203.0.114.9', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    const sent = await send(`https://both.example:${port}/`, { allowed: none, resolve: both });
    expect(sent).toMatchObject({ status: null, error: expect.stringContaining('127.0.0.1') });
    expect(received).toEqual([]);
  });

  test('the address that a name was found at is the one that is sent to, under the name', async () => {
    const { received, port } = await receiver();
    const here: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    expect(await send(`http://no.such.name.example:${port}/`, { resolve: here })).toMatchObject({ status: 200 });
    expect(received[0]!.headers.host).toBe(`no.such.name.example:${port}`);
  });
});
