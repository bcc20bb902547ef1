// Searches through a history: the move that broke an answer (bisections), the edit that made one (blame).
import {
  type BisectionResource,
  type BlameResource,
  bisectionRequestSchema,
  bisectionSchema,
  bisectModes,
  bisectResultSchema,
  blameRequestSchema,
  blameResultSchema,
  blameSchema,
  ErrataError,
  type JobResource,
  pageSchema,
  probeSchema,
} from '@errata/contracts';
import { getJob, submitBisect, submitBlame } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerFor } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { accepted, answerQueued } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { params } from '../requests/parameters.ts';
import { findJobs, jobQuery } from './jobs.ts';

const tags = ['searches'];
const read = { access: 'models:read' } as const;
const listQuery = jobQuery.omit({ kind: true, parent: true });

export const searchRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage } = parts;

    app.post(
      '/v1/bisections',
      {
        config: { access: 'evals:write' },
        schema: {
          tags,
          summary: 'Find the move of a branch at which a probe began to fail',
          description:
            'A version fails when it does not answer with the target (`mode: target`), or answers otherwise than the good end ' +
            '(`mode: changed`). The ends, moves by number or versions of the history, must differ in this.',
          headers: postHeaders,
          body: bisectionRequestSchema,
          response: accepted,
        },
      },
      async (request, reply) => {
        const { probe, mode = probe.target === undefined ? 'changed' : 'target', ...fields } = request.body;
        if (mode === 'target' && probe.target === undefined) {
          const message = 'mode target needs a target';
          throw new ErrataError('invalid_request', `body: probe.target: ${message}`, {
            errors: [{ code: 'invalid_request', field: 'probe.target', pointer: '/probe/target', message }],
          });
        }
        const created_by = callerFor(request, { kind: 'bisect', input: request.body }).id;
        const caller = { created_by, idempotency: request.claim ?? undefined };
        return answerQueued(parts, reply, await submitBisect(lineage, { ...fields, probe, mode, ...caller }));
      },
    );

    app.get(
      '/v1/bisections',
      {
        config: { ...read, reach: 'any' },
        schema: {
          tags,
          summary: 'List bisections, newest first',
          querystring: listQuery,
          response: { 200: pageSchema(bisectionSchema) },
        },
      },
      async (request) => {
        const page = await findJobs(lineage, request, { ...request.query, kind: 'bisect' });
        return { ...page, data: page.data.map(bisectionOf) };
      },
    );

    app.get(
      '/v1/bisections/:bisection',
      {
        config: read,
        schema: {
          tags,
          summary: 'A bisection, and once it is done the first bad version with what it brought',
          params: params('bisection'),
          response: { 200: bisectionSchema },
        },
      },
      async ({ params: { bisection } }) => bisectionOf(await jobOf('bisect', bisection)),
    );

    app.post(
      '/v1/blame',
      {
        config: { access: 'evals:write' },
        schema: {
          tags,
          summary: 'Find the edit that made an answer of a version',
          headers: postHeaders,
          body: blameRequestSchema,
          response: accepted,
        },
      },
      async (request, reply) => {
        const created_by = callerFor(request, { kind: 'blame', input: request.body }).id;
        const caller = { created_by, idempotency: request.claim ?? undefined };
        return answerQueued(parts, reply, await submitBlame(lineage, { ...request.body, ...caller }));
      },
    );

    app.get(
      '/v1/blame',
      {
        config: { ...read, reach: 'any' },
        schema: {
          tags,
          summary: 'List searches for edits to blame, newest first',
          querystring: listQuery,
          response: { 200: pageSchema(blameSchema) },
        },
      },
      async (request) => {
        const page = await findJobs(lineage, request, { ...request.query, kind: 'blame' });
        return { ...page, data: page.data.map(blameOf) };
      },
    );

    app.get(
      '/v1/blame/:blame',
      {
        config: read,
        schema: {
          tags,
          summary: 'A search for the edit that made an answer, and once it is done the edit',
          params: params('blame'),
          response: { 200: blameSchema },
        },
      },
      async ({ params: { blame } }) => blameOf(await jobOf('blame', blame)),
    );

    async function jobOf(kind: 'bisect' | 'blame', id: string): Promise<JobResource> {
      const job = await getJob(lineage, id);
      if (job.kind !== kind) throw new ErrataError('unknown_job', `${id} is no ${kind} job`);
      return job;
    }
  };

const bisectInput = z.object({ probe: probeSchema, mode: z.enum(bisectModes), good: z.int(), bad: z.int() });

const bisectionOf = (job: JobResource): BisectionResource => ({
  ...searchOf(job),
  object: 'bisection',
  ...bisectInput.parse(job.input),
  result: job.result === null ? null : bisectResultSchema.parse(job.result),
});

const blameInput = z.object({ prompt: z.string(), exhaustive: z.boolean() });

const blameOf = (job: JobResource): BlameResource => ({
  ...searchOf(job),
  object: 'blame',
  version_id: job.version_id!,
  ...blameInput.parse(job.input),
  result: job.result === null ? null : blameResultSchema.parse(job.result),
});

const searchOf = ({ id, state, model_id, branch, error, created_at, finished_at }: JobResource) => ({
  id,
  state,
  model_id: model_id!,
  branch,
  error: error === null ? null : { code: error.code, message: error.message, details: error.details },
  created_at,
  finished_at,
});
