// A key may send its number of requests in a minute, is told of it in every answer, and is counted for itself.
import { scopes } from '@errata/contracts';
import Fastify from 'fastify';
import { afterEach, expect, test, vi } from 'vitest';
import { registerHttpRules } from '../http/http.ts';
import { registerAuth } from './auth.ts';
import { limitRequests } from './rate-limit.ts';

afterEach(() => vi.useRealTimers());

/** A server to which every key is a good one. */
async function serverFor(perMinute: number) {
  const app = Fastify();
  registerHttpRules(app, { isPage: () => false });
  const authenticate = async (key: string) => ({ id: key, name: key, scopes, reach: null });
  registerAuth(app, {
    authenticate,
    authenticateSession: async () => null,
    actAs: (_, work) => work(),
    admit: await limitRequests(app, perMinute),
  });
  app.get('/', { config: { access: 'models:read' } }, async () => 'in');
  return async (key: string) => {
    const { statusCode, headers, body } = await app.inject({ url: '/', headers: { authorization: `Bearer ${key}` } });
    const said = (name: string) => headers[name] && Number(headers[name]);
    return {
      ...{ status: statusCode, limit: said('x-ratelimit-limit'), left: said('x-ratelimit-remaining') },
      ...{ reset: said('x-ratelimit-reset'), retryAfter: said('retry-after'), body },
    };
  };
}

test('a burst of the full allowance passes, and what is too much is told when the minute is over', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const send = await serverFor(60);
  for (let sent = 1; sent <= 60; sent++) {
    const answer = await send('a');
    expect(answer).toMatchObject({ status: 200, limit: 60, left: 60 - sent, reset: 60 });
    expect(answer.retryAfter).toBeUndefined();
  }
  vi.setSystemTime(Date.now() + 17_400);
  const refused = await send('a');
  expect(refused).toMatchObject({ status: 429, limit: 60, left: 0, reset: 43, retryAfter: 43 });
  expect(JSON.parse(refused.body)).toMatchObject({
    code: 'rate_limited',
    retryable: true,
    details: { retry_after_seconds: 43 },
    error: { type: 'rate_limit_error', param: null, code: 'rate_limited', message: expect.any(String) },
  });
  expect(await send('b')).toMatchObject({ status: 200, left: 59 });

  vi.setSystemTime(Date.now() + 42_599);
  expect(await send('a')).toMatchObject({ status: 429, retryAfter: 1 });
  vi.setSystemTime(Date.now() + 1);
  expect(await send('a')).toMatchObject({ status: 200, left: 59 });
});

test('zero means no limit, and nothing is said of one', async () => {
  const send = await serverFor(0);
  for (let i = 0; i < 1000; i += 1) expect(await send('a')).toMatchObject({ status: 200, limit: undefined });
});
