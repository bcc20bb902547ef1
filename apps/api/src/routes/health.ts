// The service itself: alive, ready, its metrics, its description.

import { setTimeout as sleep } from 'node:timers/promises';
import { ErrataError } from '@errata/contracts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Metrics } from '../metrics.ts';
import type { ApiParts } from '../parts.ts';
import { pingDatabase } from '../queries.ts';

const tags = ['service'];
const queueDeadlineMs = 1000;
const config = { access: 'public' } as const;

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
        schema: {
          tags,
          summary: 'The database answers; whether the queue does is told',
          description: 'Without its queue the service still takes jobs: they start when the reconciler finds them.',
          response: {
            200: z.strictObject({ status: z.literal('ready'), queue: z.enum(['ok', 'unreachable']) }),
          },
        },
      },
      async () => {
        await pingDatabase(lineage).catch((cause: unknown) => {
          throw new ErrataError('unavailable', 'the database does not answer', { cause });
        });
        const counted = dispatch.counts().then(
          () => 'ok' as const,
          () => 'unreachable' as const,
        );
        // A connection that is being mended keeps its commands waiting, and this must answer.
        const late = sleep(queueDeadlineMs, 'unreachable' as const, { ref: false });
        return { status: 'ready' as const, queue: await Promise.race([counted, late]) };
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
