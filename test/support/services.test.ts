// The services that tests run on are real and private.
import { afterAll, expect, inject, test } from 'vitest';
import { createTestDatabase } from './database.ts';

const database = await createTestDatabase();
afterAll(() => database.drop());

test('the database is a real PostgreSQL of its own', async () => {
  const [row] = await database.query('SELECT version() AS version, current_database() AS name');
  expect(row?.version).toMatch(/^PostgreSQL 18/);
  expect(new URL(database.url).pathname).toBe(`/${row?.name}`);
});

test('Redis, where installed, is reached by a unix socket', () => {
  const url = inject('redisUrl');
  expect(url === null || url.startsWith('redis+unix:///')).toBe(true);
});
