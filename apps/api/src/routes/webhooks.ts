// Webhooks: who is told what happens, and the log of what they were told.
import {
  createdWebhookSchema,
  deliverySchema,
  deliveryStates,
  pageQuerySchema,
  pageSchema,
  webhookChangeSchema,
  webhookRequestSchema,
  webhookRotationSchema,
  webhookSchema,
} from '@errata/contracts';
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  getDelivery,
  getModel,
  getWebhook,
  listDeliveries,
  listWebhooks,
  replayDelivery,
  rotateWebhookSecret,
  sendTestMessage,
} from '@errata/lineage';
import { type AllowedAddresses, requireAllowed } from '@errata/webhooks';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { modelsReached } from '../admission/reach.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { pageQuery, params, statesOf } from '../requests/parameters.ts';

const tags = ['webhooks'];
/** Messages tell what happens to every model, and are sent in the name of the service. */
const config = { access: 'admin' } as const;

const deliveryQuery = z.strictObject({ ...pageQuerySchema.shape, state: statesOf(deliveryStates) });

export const webhookRoutes =
  ({ lineage }: ApiParts, allowed: AllowedAddresses): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/v1/webhooks',
      {
        config,
        schema: {
          tags,
          summary: 'Have an address told what happens',
          description:
            'Messages are posted as standard-webhooks says, signed with the secret of this answer, which is not shown again. Addresses of ' +
            'this machine and of private networks are refused unless the operator has named them.',
          headers: postHeaders,
          body: webhookRequestSchema,
          response: { 201: createdWebhookSchema },
        },
      },
      async (request, reply) => {
        const { model, ...webhook } = request.body;
        await requireAllowed(webhook.url, allowed);
        const model_id = model === undefined ? null : (await getModel(lineage, model)).resource.id;
        const created = await createWebhook(lineage, { ...webhook, model_id, created_by: callerOf(request).id });
        return reply.status(201).header('location', `/v1/webhooks/${created.id}`).send(created);
      },
    );

    app.get(
      '/v1/webhooks',
      {
        config: { ...config, reach: 'any' },
        schema: {
          tags,
          summary: 'List webhooks, the latest first',
          querystring: pageQuery,
          response: { 200: pageSchema(webhookSchema) },
        },
      },
      async (request) => shown(await listWebhooks(lineage, { ...request.query, model_ids: modelsReached(request) })),
    );

    app.get(
      '/v1/webhooks/:webhook',
      {
        config,
        schema: { tags, summary: 'A webhook', params: params('webhook'), response: { 200: webhookSchema } },
      },
      async ({ params: { webhook } }) => getWebhook(lineage, webhook),
    );

    app.patch(
      '/v1/webhooks/:webhook',
      {
        config,
        schema: {
          tags,
          summary: 'Change what is given of a webhook',
          description:
            'One that is not `enabled` is told nothing new; what waited for it is sent once it is enabled again.',
          params: params('webhook'),
          body: webhookChangeSchema,
          response: { 200: webhookSchema },
        },
      },
      async ({ params: { webhook }, body }) => {
        if (body.url !== undefined) await requireAllowed(body.url, allowed);
        return changeWebhook(lineage, webhook, body);
      },
    );

    app.post(
      '/v1/webhooks/:webhook/rotate',
      {
        config,
        schema: {
          tags,
          summary: 'Give a webhook another secret',
          description:
            'The new secret is in this answer, and is not shown again. For `overlap_hours` messages carry signatures of both, as ' +
            'standard-webhooks has it, so that receivers can change over meanwhile. One that was being replaced already ends at once.',
          headers: postHeaders,
          params: params('webhook'),
          body: webhookRotationSchema,
          response: { 200: createdWebhookSchema },
        },
      },
      async ({ params: { webhook }, body: { overlap_hours } }) =>
        rotateWebhookSecret(lineage, webhook, overlap_hours * 3_600_000),
    );

    app.delete(
      '/v1/webhooks/:webhook',
      {
        config,
        schema: {
          tags,
          summary: 'Delete a webhook with its deliveries',
          params: params('webhook'),
          response: { 204: z.undefined().describe('Deleted') },
        },
      },
      async ({ params: { webhook } }, reply) => {
        await deleteWebhook(lineage, webhook);
        return reply.status(204).send();
      },
    );

    app.post(
      '/v1/webhooks/:webhook/test',
      {
        config,
        schema: {
          tags,
          summary: 'Send a webhook a message that says nothing else',
          headers: postHeaders,
          params: params('webhook'),
          response: { 201: deliverySchema },
        },
      },
      async ({ params: { webhook } }, reply) => reply.status(201).send(await sendTestMessage(lineage, webhook)),
    );

    app.get(
      '/v1/webhooks/:webhook/deliveries',
      {
        config,
        schema: {
          tags,
          summary: 'What a webhook was told, the latest first, with the log of every attempt',
          params: params('webhook'),
          querystring: deliveryQuery,
          response: { 200: pageSchema(deliverySchema) },
        },
      },
      async ({ params: { webhook }, query: { state: states, ...page } }) =>
        shown(await listDeliveries(lineage, webhook, { states }, page)),
    );

    app.get(
      '/v1/webhooks/:webhook/deliveries/:delivery',
      {
        config,
        schema: {
          tags,
          summary: 'A delivery',
          params: params('webhook', 'delivery'),
          response: { 200: deliverySchema },
        },
      },
      async ({ params: { webhook, delivery } }) => getDelivery(lineage, webhook, delivery),
    );

    app.post(
      '/v1/webhooks/:webhook/deliveries/:delivery/replay',
      {
        config,
        schema: {
          tags,
          summary: 'Send a message once more, under the same id',
          headers: postHeaders,
          params: params('webhook', 'delivery'),
          response: { 200: deliverySchema },
        },
      },
      async ({ params: { webhook, delivery } }) => replayDelivery(lineage, webhook, delivery),
    );
  };
