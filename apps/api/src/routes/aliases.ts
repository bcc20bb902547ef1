// Aliases: names for serving, which move and keep every move; and what any name of a model stands for.
import {
  aliasMoveSchema,
  aliasRequestSchema,
  aliasSchema,
  nameSchema,
  pageSchema,
  referenceSchema,
} from '@errata/contracts';
import {
  aliasHistory,
  deleteAlias,
  getAlias,
  getModel,
  listAliases,
  referenceResource,
  resolveReference,
  setAlias,
} from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../admission/auth.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { pageQuery, params } from '../requests/parameters.ts';

const tags = ['names'];

export const aliasRoutes =
  ({ lineage }: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const modelId = async (nameOrId: string) => (await getModel(lineage, nameOrId)).resource.id;

    app.get(
      '/v1/models/:model/references/:reference',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'The version that a name stands for now: of a branch, an alias or a tag, or the beginning of an id',
          params: params('model', 'reference'),
          response: { 200: referenceSchema },
        },
      },
      async ({ params: { model, reference } }) =>
        referenceResource(await resolveReference(lineage, await modelId(model), reference)),
    );

    app.get(
      '/v1/models/:model/aliases',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'List the aliases of a model',
          params: params('model'),
          querystring: pageQuery,
          response: { 200: pageSchema(aliasSchema) },
        },
      },
      async ({ params: { model }, query }) => shown(await listAliases(lineage, await modelId(model), query)),
    );

    app.get(
      '/v1/models/:model/aliases/:alias',
      {
        config: { access: 'models:read' },
        schema: { tags, summary: 'An alias', params: params('model', 'alias'), response: { 200: aliasSchema } },
      },
      async ({ params: { model, alias } }) => getAlias(lineage, await modelId(model), alias),
    );

    app.put(
      '/v1/models/:model/aliases/:alias',
      {
        config: { access: 'aliases:write' },
        schema: {
          tags,
          summary: 'Put an alias on a version, making it when it is not there',
          description:
            'Completions with `model: "name@alias"` are served by that version from then on. `if_version_id` refuses the move when ' +
            'somebody else made one meanwhile. Where the alias is already, nothing is written. A name that a branch had needs the scope `admin`.',
          params: z.strictObject({ ...params('model').shape, alias: nameSchema }),
          body: aliasRequestSchema,
          response: { 200: aliasSchema },
        },
      },
      async (request) => {
        const { model, alias } = request.params;
        const { id: moved_by, scopes } = callerOf(request);
        return setAlias(lineage, await modelId(model), alias, { ...request.body, moved_by, scopes });
      },
    );

    app.delete(
      '/v1/models/:model/aliases/:alias',
      {
        config: { access: 'aliases:write' },
        schema: {
          tags,
          summary: 'Take an alias out of service; its history stays',
          params: params('model', 'alias'),
          response: { 204: z.undefined().describe('Deleted') },
        },
      },
      async (request, reply) => {
        const { model, alias } = request.params;
        await deleteAlias(lineage, await modelId(model), alias, { moved_by: callerOf(request).id });
        return reply.status(204).send();
      },
    );

    app.get(
      '/v1/models/:model/aliases/:alias/history',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'Every move of an alias, newest first, with who made it and why',
          params: params('model', 'alias'),
          querystring: pageQuery,
          response: { 200: pageSchema(aliasMoveSchema) },
        },
      },
      async ({ params: { model, alias }, query }) =>
        shown(await aliasHistory(lineage, await modelId(model), alias, query)),
    );
  };
