// Tags: names of versions that never move.
import { pageSchema, tagRequestSchema, tagSchema } from '@errata/contracts';
import { createTag, deleteTag, getModel, getTag, listTags } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { pageQuery, params } from '../requests/parameters.ts';

const tags = ['names'];

export const tagRoutes =
  ({ lineage }: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const modelId = async (nameOrId: string) => (await getModel(lineage, nameOrId)).resource.id;

    app.get(
      '/v1/models/:model/tags',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'List the tags of a model',
          params: params('model'),
          querystring: pageQuery,
          response: { 200: pageSchema(tagSchema) },
        },
      },
      async ({ params: { model }, query }) => shown(await listTags(lineage, await modelId(model), query)),
    );

    app.post(
      '/v1/models/:model/tags',
      {
        config: { access: 'aliases:write' },
        schema: {
          tags,
          summary: 'Name a version for good',
          description: 'A name that a branch had needs the scope `admin`.',
          params: params('model'),
          headers: postHeaders,
          body: tagRequestSchema,
          response: { 201: tagSchema },
        },
      },
      async (request, reply) => {
        const { model } = request.params;
        const { id: created_by, scopes } = callerOf(request);
        const tag = await createTag(lineage, await modelId(model), { ...request.body, created_by, scopes });
        return reply
          .status(201)
          .header('location', `/v1/models/${encodeURIComponent(model)}/tags/${tag.name}`)
          .send(tag);
      },
    );

    app.get(
      '/v1/models/:model/tags/:tag',
      {
        config: { access: 'models:read' },
        schema: { tags, summary: 'A tag', params: params('model', 'tag'), response: { 200: tagSchema } },
      },
      async ({ params: { model, tag } }) => getTag(lineage, await modelId(model), tag),
    );

    app.delete(
      '/v1/models/:model/tags/:tag',
      {
        config: { access: 'aliases:write' },
        schema: {
          tags,
          summary: 'Delete a tag; the version stays',
          params: params('model', 'tag'),
          response: { 204: z.undefined().describe('Deleted') },
        },
      },
      async ({ params: { model, tag } }, reply) => {
        await deleteTag(lineage, await modelId(model), tag);
        return reply.status(204).send();
      },
    );
  };
