// API keys: listed, made, replaced and revoked by whoever may do everything.
import {
  createdKeySchema,
  ErrataError,
  keyRequestSchema,
  keyRotationSchema,
  keySchema,
  pageSchema,
} from '@errata/contracts';
import { createKey, findProject, getModel, keyResource, listKeyPage, revokeKey, rotateKey } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { projectsReached } from '../admission/reach.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { pageQuery, params } from '../requests/parameters.ts';

const tags = ['keys'];
const access = 'admin';

const noSuchKey = (key: string) => new ErrataError('not_found', `there is no valid key ${JSON.stringify(key)}`);
const msPerHour = 3_600_000;

export const keyRoutes =
  ({ lineage }: Pick<ApiParts, 'lineage'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/v1/keys',
      {
        config: { access, reach: 'any' },
        schema: {
          tags,
          summary: 'List the keys that are valid, to who is limited to projects those for these',
          querystring: pageQuery,
          response: { 200: pageSchema(keySchema) },
        },
      },
      async (request) => shown(await listKeyPage(lineage, { ...request.query, projects: projectsReached(request) })),
    );

    app.post(
      '/v1/keys',
      {
        config: { access, tellsSecret: true },
        schema: {
          tags,
          summary: 'Make a key; it is told here and never again',
          description: 'Only its hash is stored, so that this answer is not kept for an `Idempotency-Key` either.',
          body: keyRequestSchema,
          response: { 201: createdKeySchema },
        },
      },
      async ({ body: { name, scopes, expires_at, project, models: named = [] } }, reply) => {
        const projectId = project === undefined ? null : await findProject(lineage, project);
        const models = await Promise.all(named.map(async (model) => (await getModel(lineage, model)).resource.id));
        const expiresAt = expires_at === undefined ? null : new Date(expires_at);
        const { key, token } = await createKey(lineage, name, scopes, { expiresAt, projectId, models });
        return reply.status(201).send({ ...keyResource(key), token });
      },
    );

    app.post(
      '/v1/keys/:key/rotate',
      {
        config: { access, tellsSecret: true },
        schema: {
          tags,
          summary: 'Replace a key by one of the same name, scopes, project and models; it is told here and never again',
          description:
            'The new one lives as long as the old one was meant to. The old one, and the sessions of browsers that it opened, end after the grace period.',
          params: params('key'),
          body: keyRotationSchema,
          response: { 201: createdKeySchema },
        },
      },
      async ({ params: { key: id }, body: { grace_hours } }, reply) => {
        const made = await rotateKey(lineage, id, grace_hours * msPerHour);
        if (made === null) throw noSuchKey(id);
        return reply.status(201).send({ ...keyResource(made.key), token: made.token });
      },
    );

    app.delete(
      '/v1/keys/:key',
      {
        config: { access },
        schema: {
          tags,
          summary: 'Make a key worthless, at once, with the sessions of browsers that it opened',
          params: params('key'),
          response: { 204: z.undefined().describe('Revoked') },
        },
      },
      async ({ params: { key } }, reply) => {
        if (!(await revokeKey(lineage, key))) throw noSuchKey(key);
        return reply.status(204).send();
      },
    );
  };
