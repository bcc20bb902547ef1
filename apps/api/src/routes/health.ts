// The service itself: alive, ready, its metrics, its description.
import { availableParallelism, freemem, totalmem } from 'node:os';
import { build, ErrataError, healthSchema } from '@errata/contracts';
import { countWorkers, databaseNow, lastBackup, lastUpkeep, readVitals } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { inTime } from '../http/in-time.ts';
import type { Metrics } from '../metrics.ts';
import type { ApiParts } from '../parts.ts';

const tags = ['service'];
const config = { access: 'public' } as const;

const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();

/** Milliseconds until something is answered; null where it is not before long. */
async function measured(asked: () => Promise<unknown>): Promise<{ ms: number | null }> {
  const began = performance.now();
  const answered = await inTime(asked().then(() => true));
  return { ms: answered === undefined ? null : performance.now() - began };
}

const absences = {
  database: 'the database does not answer',
  queue: 'the queue does not answer',
  worker: 'no worker has been heard of lately',
} as const;

export const healthRoutes =
  ({ lineage, dispatch, blobs }: ApiParts, metrics: Metrics): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/healthz',
      {
        config,
        schema: {
          tags,
          summary: 'The process is alive',
          response: { 200: z.strictObject({ status: z.literal('ok') }) },
        },
      },
      async () => ({ status: 'ok' as const }),
    );

    app.get(
      '/readyz',
      {
        config,
        // Whoever asks again and again is told; the log need not be.
        logLevel: 'fatal',
        schema: {
          tags,
          summary: 'The database, the queue and a worker can be reached',
          description:
            'Otherwise 503, whose `details.missing` names what cannot. Jobs are taken as long as the database is there: they start once the rest is back.',
          response: { 200: z.strictObject({ status: z.literal('ready'), workers: z.int() }) },
        },
      },
      async () => {
        const [queue, workers] = await Promise.all([
          inTime(dispatch.counts().then(() => true)),
          inTime(countWorkers(lineage)),
        ]);
        const missing = [
          ...(workers === undefined ? ['database'] : []),
          ...(queue === undefined ? ['queue'] : []),
          ...(workers === 0 ? ['worker'] : []),
        ] as (keyof typeof absences)[];
        if (missing.length === 0) return { status: 'ready' as const, workers: workers ?? 0 };
        const told = missing.map((part) => absences[part]).join('; ');
        throw new ErrataError('unavailable', told, { details: { missing } });
      },
    );

    app.get(
      '/v1/health',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'How the service is: what it needs and how soon that answers, its build, and its last upkeep',
          description: 'In numbers and codes; no text of any edit or prompt is in it.',
          response: { 200: healthSchema },
        },
      },
      async () => {
        const [database, queue, store] = await Promise.all([
          measured(() => databaseNow(lineage)),
          measured(() => dispatch.counts()),
          measured(() => blobs.look()),
        ]);
        // Afterwards, so that nothing waits for these.
        const [vitals, backup, upkeep] = await Promise.all([
          readVitals(lineage),
          lastBackup(lineage),
          lastUpkeep(lineage),
        ]);
        return {
          object: 'health' as const,
          build,
          started_at: startedAt,
          machine: {
            node: process.version,
            platform: `${process.platform} ${process.arch}`,
            processors: availableParallelism(),
            memory_bytes: totalmem(),
            free_bytes: freemem(),
          },
          needs: {
            database,
            queue: { ...queue, backend: dispatch.backend },
            blobs: { ...store, kind: blobs.kind },
          },
          vitals,
          backup,
          ...upkeep,
        };
      },
    );

    app.get(
      '/metrics',
      {
        config,
        schema: {
          tags,
          summary: 'Metrics for Prometheus',
          response: { 200: { description: 'Metrics', content: { 'text/plain': { schema: z.string() } } } },
        },
      },
      async (_, reply) => reply.type(metrics.contentType).send(await metrics.render()),
    );

    app.get('/openapi.json', { config, schema: { hide: true } }, async () => app.swagger());
  };
