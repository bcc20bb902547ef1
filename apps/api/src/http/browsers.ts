// Browsers: pages of which other addresses may call the API from where they run.
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/**
 * Answers preflights, and names the origin in answers, for pages of these origins; `*` is all. Keys travel in a header that a page must add
 * itself, so that no page acts with the keys of another. Register it before what asks for keys: a preflight has none.
 */
export async function admitBrowsers(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['errata-version', 'x-request-id', 'retry-after', 'location', 'idempotency-replayed'],
    maxAge: 600,
  });
}
