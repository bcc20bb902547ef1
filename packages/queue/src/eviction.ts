// Whether a Redis server may drop keys on its own: a queue must not run on one that does.
import type { Redis } from 'ioredis';

/**
 * What to tell the operator when the server's `maxmemory-policy` is not `noeviction`; undefined when it is, or when the server
 * does not say. INFO is read rather than CONFIG, which managed servers forbid.
 */
export async function evictionWarning(redis: Redis): Promise<string | undefined> {
  const info = await redis.info('memory').catch(() => '');
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy === undefined || policy === 'noeviction') return undefined;
  return (
    `Redis evicts keys when its memory is full (maxmemory-policy is ${policy}), and would lose wake-ups and locks. ` +
    'Run CONFIG SET maxmemory-policy noeviction, and put the same in its configuration.'
  );
}
