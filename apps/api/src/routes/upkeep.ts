// Upkeep: checks of everything stored, and collections of blobs that nothing names. Both are jobs; their reports are in `result`.
import { checkRequestSchema, collectionRequestSchema, erasureRequestSchema, erasureSchema } from '@errata/contracts';
import { eraseEdits, submitCheck, submitCollection } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerFor, callerOf } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { accepted, answerQueued } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';

const tags = ['upkeep'];

export const upkeepRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage } = parts;

    app.post(
      '/v1/checks',
      {
        config: { access: 'admin' },
        schema: {
          tags,
          summary: 'Check every digest, every blob that anything names, every chain, history, alias and tag',
          description:
            'Changes nothing. The job ends `succeeded` when all is well and `completed_with_errors` when something is broken; its ' +
            '`result` is a CheckReport.',
          headers: postHeaders,
          body: checkRequestSchema,
          response: accepted,
        },
      },
      async (request, reply) => {
        const created_by = callerFor(request, { kind: 'check', input: request.body }).id;
        const job = await submitCheck(lineage, {
          ...request.body,
          created_by,
          idempotency: request.claim ?? undefined,
        });
        return answerQueued(parts, reply, job);
      },
    );

    app.post(
      '/v1/erasures',
      {
        config: { access: 'admin' },
        schema: {
          tags,
          summary: 'Erase the texts of edits for good, wherever they are kept',
          description:
            'What was asked and answered is deleted; ids, times, numbers and every digest of the lineage stay. Only of edits that no branch, alias or tag holds ' +
            'any more. What held one can then not be built upon or served again.',
          body: erasureRequestSchema,
          response: { 200: erasureSchema },
        },
      },
      async (request) => eraseEdits(lineage, { ...request.body, by: callerOf(request).id }),
    );

    app.post(
      '/v1/collections',
      {
        config: { access: 'admin' },
        schema: {
          tags,
          summary: 'Collect blobs that nothing names; by default, only say what would be done',
          description:
            'Blobs are marked when they are first found unnamed and deleted by a later collection, once they have stayed so for the ' +
            "grace period. Nothing that a model, a branch's history, an alias, a tag, an artefact, a snapshot or a candidate names is " +
            'touched. The `result` of the job is a CollectionReport.',
          headers: postHeaders,
          body: collectionRequestSchema,
          response: accepted,
        },
      },
      async (request, reply) => {
        const created_by = callerFor(request, { kind: 'collection', input: request.body }).id;
        const job = await submitCollection(lineage, {
          ...request.body,
          created_by,
          idempotency: request.claim ?? undefined,
        });
        return answerQueued(parts, reply, job);
      },
    );
  };
