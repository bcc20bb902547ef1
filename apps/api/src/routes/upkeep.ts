// Upkeep: checks of everything stored, and collections of blobs that nothing names. Both are jobs; their reports are in `result`.
import { checkRequestSchema, collectionRequestSchema } from '@errata/contracts';
import { submitCheck, submitCollection } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerFor } from '../admission/auth.ts';
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
