// Models: imported checkpoints. Importing is a job.
import {
  importRequestSchema,
  type ListedModel,
  listedModelSchema,
  type ModelResource,
  rootManifest,
  versionId,
} from '@errata/contracts';
import { getModel, listModels, resolveReference, submitImport } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerFor } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { modelsReached } from '../admission/reach.ts';
import { accepted, answerQueued } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { namesByModel } from '../queries.ts';
import { pageQuery, params } from '../requests/parameters.ts';
import { mainBranch, partsOfName } from '../requests/served-names.ts';

const tags = ['models'];

export const modelRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage } = parts;

    /** Models with what may be served of them. */
    async function described(models: readonly ModelResource[]) {
      const names = await namesByModel(
        lineage,
        models.map(({ id }) => id),
      );
      return models.map((model) => {
        const root = versionId(rootManifest(model.digest));
        const named = names.get(model.id) ?? [];
        const branches = named
          .filter(({ kind }) => kind === 'branch')
          .map(({ name, version }) => ({ name, head: version, edited: version !== root }));
        const main = branches.find(({ name }) => name === mainBranch)?.head ?? null;
        const under = (id: string, version: string | null): ListedModel => ({
          ...model,
          id,
          model_id: model.id,
          version,
          created: Math.floor(Date.parse(model.created_at) / 1000),
          owned_by: 'errata',
          edited: version !== null && version !== root,
          branches,
        });
        const others = named.filter(({ kind, name }) => kind !== 'branch' || name !== mainBranch);
        return { under, main, others };
      });
    }

    /** The model under each name that serves something. */
    const listed = async (models: readonly ModelResource[]): Promise<ListedModel[]> =>
      (await described(models)).flatMap(({ under, main, others }, index) => [
        under(models[index]!.name, main),
        ...others.map(({ name, version }) => under(`${models[index]!.name}@${name}`, version)),
      ]);

    app.get(
      '/v1/models',
      {
        config: { access: 'models:read', reach: 'any' },
        schema: {
          tags,
          summary: 'List models under every name that completions take: its own, and with each branch, alias and tag',
          description: '`limit` counts models, and is 100 where nothing is said: many clients read one page.',
          querystring: pageQuery.extend({ limit: pageQuery.shape.limit.unwrap().default(100) }),
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
      async (request) => {
        const page = await listModels(lineage, { ...request.query, ids: modelsReached(request) });
        return { object: 'list' as const, ...page, data: await listed(page.data) };
      },
    );

    app.get(
      '/v1/models/:model',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'A model by name or id, or as a branch, an alias, a tag or a version of it serves: `name@branch`',
          params: params('model'),
          response: { 200: listedModelSchema },
        },
      },
      async (request) => {
        const { model, reference } = partsOfName(request.params.model);
        const { resource } = await getModel(lineage, model);
        const { under, main } = (await described([resource]))[0]!;
        if (model === request.params.model) return under(resource.name, main);
        const { version } = await resolveReference(lineage, resource.id, reference);
        return under(`${resource.name}@${reference}`, version);
      },
    );

    app.post(
      '/v1/models',
      {
        // It reads files of the worker's machine.
        config: { access: 'admin' },
        schema: {
          tags,
          summary: "Import a model from the worker's machine or from the hub",
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
