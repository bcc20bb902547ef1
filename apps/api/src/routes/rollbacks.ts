// Rollbacks: going back to a version, or taking single edits out, as jobs of their branch.
import {
  ErrataError,
  jobSchema,
  pageSchema,
  rollbackPlanRequestSchema,
  rollbackPlanSchema,
  rollbackRequestSchema,
} from '@errata/contracts';
import { getJob, getModel, previewRollback, submitRollback } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerFor } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { accepted, answerQueued } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { params } from '../requests/parameters.ts';
import { findJobs, jobQuery } from './jobs.ts';

const tags = ['rollbacks'];

export const rollbackRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage } = parts;

    app.post(
      '/v1/rollbacks',
      {
        config: { access: 'versions:rollback' },
        schema: {
          tags,
          summary: 'Go back to a version, or take edits out',
          description:
            '`reset` moves the branch to a version of its history. `exact` takes edits out by replaying those that came after; ' +
            '`subtract` drops their deltas, an approximation that must pass the gate.',
          headers: postHeaders,
          body: rollbackRequestSchema,
          response: accepted,
        },
      },
      async (request, reply) => {
        const caller = callerFor(request, { kind: 'rollback', input: request.body });
        const job = await submitRollback(lineage, {
          ...request.body,
          created_by: caller.id,
          idempotency: request.claim ?? undefined,
        });
        return answerQueued(parts, reply, job);
      },
    );

    app.post(
      '/v1/rollbacks/plan',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'What a rollback would do; nothing is changed',
          description:
            'Refused where the rollback itself would be, as for an edit that is not active; that edits share a delta and cannot be subtracted apart ' +
            'is told by `shared_with`.',
          body: rollbackPlanRequestSchema,
          response: { 200: rollbackPlanSchema },
        },
      },
      async ({ body: { model, ...target } }) => {
        const { resource } = await getModel(lineage, model);
        return previewRollback(lineage, resource.id, target);
      },
    );

    app.get(
      '/v1/rollbacks',
      {
        config: { access: 'models:read', reach: 'any' },
        schema: {
          tags,
          summary: 'List rollbacks, newest first',
          querystring: jobQuery.omit({ kind: true }),
          response: { 200: pageSchema(jobSchema) },
        },
      },
      async (request) => findJobs(lineage, request, { ...request.query, kind: 'rollback' }),
    );

    app.get(
      '/v1/rollbacks/:rollback',
      {
        config: { access: 'models:read' },
        schema: { tags, summary: 'A rollback', params: params('rollback'), response: { 200: jobSchema } },
      },
      async ({ params: { rollback } }) => {
        const job = await getJob(lineage, rollback);
        if (job.kind !== 'rollback') throw new ErrataError('unknown_job', `${rollback} is no rollback`);
        return job;
      },
    );
  };
