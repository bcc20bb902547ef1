// Models: imported checkpoints. Importing is a job.
import {
  importRequestSchema,
  type ListedModel,
  listedModelSchema,
  type ModelResource,
  rootManifest,
  versionId,
} from '@errata/contracts';
import { getModel, listModels, submitImport } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerFor } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { accepted, answerQueued } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { headsByModel } from '../queries.ts';
import { pageQuery, params } from '../requests/parameters.ts';

const tags = ['models'];

export const modelRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage } = parts;

    async function listed(models: readonly ModelResource[]): Promise<ListedModel[]> {
      const heads = await headsByModel(
        lineage,
        models.map(({ id }) => id),
      );
      return models.map((model) => {
        const root = versionId(rootManifest(model.digest));
        const branches = (heads.get(model.id) ?? []).map((branch) => ({ ...branch, edited: branch.head !== root }));
        const edited = branches.some(({ name, edited }) => name === 'main' && edited);
        const created = Math.floor(Date.parse(model.created_at) / 1000);
        return { ...model, created, owned_by: 'errata', edited, branches };
      });
    }

    app.get(
      '/v1/models',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'List models, with the head of each branch and whether it has been edited',
          querystring: pageQuery,
          response: {
            200: z.strictObject({
              object: z.literal('list'),
              data: z.array(listedModelSchema),
              has_more: z.boolean(),
              next_cursor: z.string().nullable(),
            }),
          },
        },
      },
      async ({ query }) => {
        const page = await listModels(lineage, query);
        return { object: 'list' as const, ...page, data: await listed(page.data) };
      },
    );

    app.get(
      '/v1/models/:model',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'A model by name or id',
          params: params('model'),
          response: { 200: listedModelSchema },
        },
      },
      async (request) => {
        const { resource } = await getModel(lineage, request.params.model);
        return (await listed([resource]))[0]!;
      },
    );

    app.post(
      '/v1/models',
      {
        // It reads files of the worker's machine.
        config: { access: 'admin' },
        schema: {
          tags,
          summary: "Import a checkpoint directory of the worker's machine",
          headers: postHeaders,
          body: importRequestSchema,
          response: accepted,
        },
      },
      async (request, reply) => {
        const job = await submitImport(lineage, {
          ...request.body,
          created_by: callerFor(request, { kind: 'import', input: request.body }).id,
          idempotency: request.claim ?? undefined,
        });
        return answerQueued(parts, reply, job);
      },
    );
  };
