// The inbox of a branch: edits come in one by one, by the array or by the line, and wait for a schedule.
import {
  inboxBodySchema,
  inboxEditSchema,
  inboxQuerySchema,
  inboxReceiptSchema,
  inboxStates,
  pageQuerySchema,
  pageSchema,
} from '@errata/contracts';
import {
  addToInbox,
  answerWithin,
  getBranchById,
  getInboxEdit,
  getModel,
  keepInInbox,
  listInbox,
  withdrawFromInbox,
} from '@errata/lineage';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerFor } from '../admission/auth.ts';
import { readText } from '../admission/door.ts';
import { keepAnswer, postHeaders } from '../admission/idempotency.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { whileWaitedFor } from '../requests/caller-waits.ts';
import { layOutBatch, ndjsonContentType, readDelivery } from '../requests/edits.ts';
import { params, statesOf } from '../requests/parameters.ts';
import { runDueOfBranch } from './due-schedules.ts';

const tags = ['inbox'];

const inboxQuery = z.strictObject({
  ...pageQuerySchema.shape,
  state: statesOf(inboxStates),
});

export const inboxRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage, tokenizers } = parts;
    for (const type of [ndjsonContentType, 'application/jsonl']) {
      app.addContentTypeParser(type, { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) =>
        readText(request, body),
      );
    }

    app.post(
      '/v1/branches/:branch/inbox',
      {
        config: { access: 'edits:write', body: 'batch' },
        schema: {
          tags,
          summary: 'Leave edits for the next run of a schedule',
          description:
            'The body is one edit, an array of edits, or a JSONL file (application/x-ndjson); `custom_id` may be left out. All ' +
            'are checked as those of an edit job are, and all are taken or none. What waits already, word for word under the same ' +
            'custom_id, is not added again: a webhook may deliver twice.',
          params: params('branch'),
          headers: postHeaders,
          querystring: inboxQuerySchema,
          body: inboxBodySchema.describe('An edit, an array of edits, or lines'),
          response: { 202: inboxReceiptSchema },
        },
      },
      async (request, reply) => {
        const { claim } = request;
        const caller = callerFor(request, { kind: 'edit', input: {} });
        const batch = await readDelivery(request.body);
        const { model_id } = await getBranchById(lineage, request.params.branch);
        const model = await getModel(lineage, model_id);
        await whileWaitedFor(request, reply, (signal) => layOutBatch(tokenizers, model, batch, signal));
        const receipt = await addToInbox(lineage, {
          branch_id: request.params.branch,
          edits: batch.edits,
          priority: request.query.priority,
          created_by: caller.id,
          alongside:
            claim === null ? undefined : (tx, answer) => answerWithin(tx, claim, 202, keepAnswer(reply, answer)),
        });
        await runDueOfBranch(parts, request.log, receipt.branch_id);
        return reply.status(202).send(receipt);
      },
    );

    app.get(
      '/v1/branches/:branch/inbox',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'List the inbox, newest first, with what became of each edit',
          params: params('branch'),
          querystring: inboxQuery,
          response: { 200: pageSchema(inboxEditSchema) },
        },
      },
      async ({ params: { branch }, query: { state, ...page } }) => {
        const { id } = await getBranchById(lineage, branch);
        return shown(await listInbox(lineage, id, { states: state }, page));
      },
    );

    app.get(
      '/v1/branches/:branch/inbox/:edit',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'An edit of the inbox',
          params: params('branch', 'edit'),
          response: { 200: inboxEditSchema },
        },
      },
      async ({ params: { branch, edit } }) => getInboxEdit(lineage, branch, edit),
    );

    app.delete(
      '/v1/branches/:branch/inbox/:edit',
      {
        config: { access: 'edits:write' },
        schema: {
          tags,
          summary: 'Withdraw an edit that waits',
          params: params('branch', 'edit'),
          response: { 200: inboxEditSchema },
        },
      },
      async ({ params: { branch, edit } }) => withdrawFromInbox(lineage, branch, edit),
    );

    app.post(
      '/v1/branches/:branch/inbox/:edit/keep',
      {
        config: { access: 'edits:write' },
        schema: {
          tags,
          summary: 'Decide a contradiction in favour of this edit; those that contradict it are superseded',
          params: params('branch', 'edit'),
          headers: postHeaders,
          response: { 200: inboxEditSchema },
        },
      },
      async (request) => {
        const kept = await keepInInbox(lineage, request.params.branch, request.params.edit);
        await runDueOfBranch(parts, request.log, kept.branch_id);
        return kept;
      },
    );
  };
