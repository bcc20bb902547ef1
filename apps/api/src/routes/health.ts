// The service itself: alive, ready, its metrics, its description.
import { ErrataError } from '@errata/contracts';
import { countWorkers } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { inTime } from '../http/in-time.ts';
import type { Metrics } from '../metrics.ts';
import type { ApiParts } from '../parts.ts';

const tags = ['service'];
const config = { access: 'public' } as const;

const absences = {
  database: 'the database does not answer',
  queue: 'the queue does not answer',
  worker: 'no worker has been heard of lately',
} as const;

export const healthRoutes =
  ({ lineage, dispatch }: ApiParts, metrics: Metrics): FastifyPluginAsyncZod =>
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
