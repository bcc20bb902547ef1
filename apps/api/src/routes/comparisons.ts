// Comparisons: two evaluations held against each other case by case, as a job.
import {
  type ComparisonResource,
  comparisonRequestSchema,
  comparisonResultSchema,
  comparisonSchema,
  ErrataError,
  type JobResource,
  pageSchema,
} from '@errata/contracts';
import { getJob, submitComparison } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerFor } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { accepted, answerQueued } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { params } from '../requests/parameters.ts';
import { findJobs, jobQuery } from './jobs.ts';

const tags = ['evaluations'];
const read = { access: 'models:read' } as const;

export const comparisonRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage } = parts;

    app.post(
      '/v1/comparisons',
      {
        config: { access: 'evals:write' },
        schema: {
          tags,
          summary: 'Compare two evaluations case by case',
          description: 'Only cases that both have measured are compared. What got worse comes first.',
          headers: postHeaders,
          body: comparisonRequestSchema,
          response: accepted,
        },
      },
      async (request, reply) => {
        const created_by = callerFor(request, { kind: 'comparison', input: request.body }).id;
        const caller = { created_by, idempotency: request.claim ?? undefined };
        return answerQueued(parts, reply, await submitComparison(lineage, { ...request.body, ...caller }));
      },
    );

    app.get(
      '/v1/comparisons',
      {
        config: { ...read, reach: 'any' },
        schema: {
          tags,
          summary: 'List comparisons, newest first',
          querystring: jobQuery.omit({ kind: true, parent: true, branch: true }),
          response: { 200: pageSchema(comparisonSchema) },
        },
      },
      async (request) => {
        const page = await findJobs(lineage, request, { ...request.query, kind: 'comparison' });
        return { ...page, data: page.data.map(comparisonOf) };
      },
    );

    app.get(
      '/v1/comparisons/:comparison',
      {
        config: read,
        schema: {
          tags,
          summary: 'A comparison, and once it is done what differs',
          params: params('comparison'),
          response: { 200: comparisonSchema },
        },
      },
      async ({ params: { comparison } }) => {
        const job = await getJob(lineage, comparison);
        if (job.kind !== 'comparison') throw new ErrataError('unknown_job', `${comparison} is no comparison`);
        return comparisonOf(job);
      },
    );
  };

const inputSchema = z.object({ one: z.string(), other: z.string() });

const comparisonOf = ({
  id,
  state,
  input,
  result,
  error,
  created_at,
  finished_at,
}: JobResource): ComparisonResource => ({
  id,
  object: 'comparison',
  state,
  ...inputSchema.parse(input),
  result: result === null ? null : comparisonResultSchema.parse(result),
  error: error === null ? null : { code: error.code, message: error.message },
  created_at,
  finished_at,
});
