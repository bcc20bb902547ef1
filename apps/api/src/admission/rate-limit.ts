// How many requests one API key may send in a minute. Every answer says how many are left; a flood is told when to come back.
import { ErrataError } from '@errata/contracts';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import { type AuthOptions, callerOf } from './auth.ts';

const keptKeys = 10_000;

/**
 * @param perMinute requests of a key in the minute that begins with the first of them; 0 lets everything pass. Counted by this
 * process alone: several API processes allow as many times that.
 * @returns what lets a request in, and says in the headers of its answer how many more may come. @throws ErrataError `rate_limited`
 */
export async function limitRequests(app: FastifyInstance, perMinute: number): Promise<AuthOptions['admit']> {
  if (perMinute === 0) return async () => {};
  await app.register(rateLimit, {
    global: false,
    max: perMinute,
    timeWindow: 60_000,
    cache: keptKeys,
    keyGenerator: (request) => callerOf(request).id,
    errorResponseBuilder: (_, { ttl }) =>
      new ErrataError('rate_limited', `this key may send ${perMinute} requests a minute`, {
        details: { retry_after_seconds: Math.ceil(ttl / 1000) },
      }),
  });
  const limit = app.rateLimit();
  return async (request, reply) => {
    await limit.call(app, request, reply);
  };
}
