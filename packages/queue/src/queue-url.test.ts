// Queue URLs: every form, and what is said of one that is none.
import { expect, test } from 'vitest';
import { describeQueueUrl, parseQueueUrl } from './queue-url.ts';

test('a redis URL names host, port, credentials and database', () => {
  expect(parseQueueUrl('redis://user:p%40ss@cache.example:6380/2')).toEqual({
    kind: 'redis',
    connection: { host: 'cache.example', port: 6380, username: 'user', password: 'p@ss', db: 2 },
  });
  expect(parseQueueUrl('redis://localhost')).toEqual({
    kind: 'redis',
    connection: { host: 'localhost', port: 6379, db: 0 },
  });
  expect(parseQueueUrl('rediss://cache.example')).toMatchObject({ connection: { tls: {} } });
});

test('a unix socket is a path', () => {
  expect(parseQueueUrl('redis+unix:///run/redis/redis.sock')).toEqual({
    kind: 'redis',
    connection: { path: '/run/redis/redis.sock', db: 0 },
  });
  expect(parseQueueUrl('redis+unix:///run/redis.sock?db=3')).toMatchObject({ connection: { db: 3 } });
});

test('a postgres URL is passed on whole', () => {
  const url = 'postgres://errata:secret@db.example:5433/errata?sslmode=require';
  expect(parseQueueUrl(url)).toEqual({ kind: 'postgres', connectionString: url });
});

test('anything else is refused, and no password is repeated', () => {
  for (const url of ['', 'nonsense', 'mysql://u:secret@h/d', 'redis+unix://run/redis.sock', 'redis://h/first']) {
    const thrown = (() => {
      try {
        parseQueueUrl(url);
      } catch (error) {
        return error;
      }
    })();
    expect(thrown, url).toMatchObject({ code: 'invalid_request', details: { setting: 'QUEUE_URL' } });
    expect(String(thrown)).not.toContain('secret');
  }
});

test('a backend is described without credentials', () => {
  expect(describeQueueUrl('postgres://errata:secret@db.example:5433/errata')).toBe(
    'PostgreSQL at db.example:5433/errata',
  );
  expect(describeQueueUrl('redis://:secret@cache.example/1')).toBe('Redis at cache.example:6379 (database 1)');
  expect(describeQueueUrl('redis+unix:///run/redis.sock')).toBe('Redis at /run/redis.sock');
});
