// The queue as a whole: what waits, who works and at what, and why work ended badly.
import { failuresSchema, queueSchema } from '@errata/contracts';
import { causesOfFailures, drainWorker, listWorkers } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { inTime } from '../http/in-time.ts';
import type { ApiParts } from '../parts.ts';
import { countOpenJobs, waitingSince } from '../queries.ts';
import { params, timeQuery } from '../requests/parameters.ts';

const tags = ['jobs'];
const read = { access: 'models:read' } as const;

const weekMs = 7 * 24 * 3_600_000;

export const queueRoutes =
  ({ lineage, dispatch }: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/v1/queue',
      {
        config: read,
        schema: {
          tags,
          summary: 'What waits, and who works at what',
          description: 'Workers are those that have been heard of lately, each with the jobs that it is at.',
          response: { 200: queueSchema },
        },
      },
      async () => {
        const [wakeUps, jobs, since, workers] = await Promise.all([
          inTime(dispatch.counts()),
          countOpenJobs(lineage),
          waitingSince(lineage),
          listWorkers(lineage),
        ]);
        return {
          object: 'queue' as const,
          backend: dispatch.backend,
          wake_ups: wakeUps ?? null,
          jobs: Object.fromEntries(jobs),
          waiting_since: since?.toISOString() ?? null,
          workers: [...workers],
        };
      },
    );

    app.post(
      '/v1/workers/:worker/drain',
      {
        config: { access: 'admin' },
        schema: {
          tags,
          summary: 'Have a worker take no more, and end when what it is at has ended',
          description: 'It hears of it within five seconds. Jobs that wait are taken by the other workers.',
          params: params('worker'),
          response: { 204: z.undefined().describe('Asked') },
        },
      },
      async ({ params: { worker } }, reply) => {
        await drainWorker(lineage, worker);
        return reply.status(204).send();
      },
    );

    app.get(
      '/v1/failures',
      {
        config: read,
        schema: {
          tags,
          summary: 'Jobs that failed, were rejected or gated out, by their cause',
          description:
            'The most frequent causes first, a hundred at most; of the last seven days unless told otherwise.',
          querystring: z.strictObject({ since: timeQuery.describe('Jobs that ended from then on') }),
          response: { 200: failuresSchema },
        },
      },
      async ({ query }) => {
        const since = query.since === undefined ? new Date(Date.now() - weekMs) : new Date(query.since);
        const causes = await causesOfFailures(lineage, since);
        return { object: 'failures' as const, since: since.toISOString(), causes: [...causes] };
      },
    );
  };
