// Branches: named pointers to versions, and their histories.
import { branchRequestSchema, branchSchema, editorNameSchema, moveSchema, pageSchema } from '@errata/contracts';
import { editorNames, isEditorName } from '@errata/editors/catalogue';
import {
  branchLog,
  createBranch,
  deleteBranch,
  getBranch,
  getModel,
  listBranches,
  restoreBranch,
} from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { pageQuery, params } from '../requests/parameters.ts';

const tags = ['branches'];

const bodySchema = branchRequestSchema
  .extend({
    default_editor: editorNameSchema
      .refine(isEditorName, `there are ${editorNames.join(', ')}`)
      .optional()
      .describe(`One of ${editorNames.join(', ')}, in any case`),
  })
  .meta({ id: 'BranchRequest' });

export const branchRoutes =
  ({ lineage }: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const modelId = async (nameOrId: string) => (await getModel(lineage, nameOrId)).resource.id;

    app.get(
      '/v1/models/:model/branches',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'List the branches of a model, or with `deleted` those that can be restored',
          params: params('model'),
          querystring: pageQuery.extend({ deleted: z.enum(['true', 'false']).default('false') }),
          response: { 200: pageSchema(branchSchema) },
        },
      },
      async ({ params: { model }, query }) =>
        shown(await listBranches(lineage, await modelId(model), { ...query, deleted: query.deleted === 'true' })),
    );

    app.post(
      '/v1/models/:model/branches',
      {
        config: { access: 'edits:write' },
        schema: {
          tags,
          summary: 'Create a branch at a version, or where another branch, an alias or a tag is',
          description:
            'It has the policy (gate, approval, automatic rollback, protection) of the branch that it is made from, or of the most ' +
            'guarded branch that has been at the version; one of its own needs the scope `admin`. The name of a branch that was deleted ' +
            'needs `versions:rollback`, and `admin` where the policies differ; one that an alias or a tag had, `aliases:write`.',
          params: params('model'),
          headers: postHeaders,
          body: bodySchema,
          response: { 201: branchSchema },
        },
      },
      async (request, reply) => {
        const { id: created_by, scopes } = callerOf(request);
        const made = { ...request.body, created_by, scopes };
        const branch = await createBranch(lineage, await modelId(request.params.model), made);
        const address = `/v1/models/${encodeURIComponent(request.params.model)}/branches/${branch.name}`;
        return reply.status(201).header('location', address).send(branch);
      },
    );

    app.get(
      '/v1/models/:model/branches/:branch',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'A branch with its head, gate and default editor',
          params: params('model', 'branch'),
          response: { 200: branchSchema },
        },
      },
      async ({ params: { model, branch } }) => getBranch(lineage, await modelId(model), branch),
    );

    app.delete(
      '/v1/models/:model/branches/:branch',
      {
        // As for a reset: what the name serves from then on, if anything, is elsewhere.
        config: { access: 'versions:rollback' },
        schema: {
          tags,
          summary: 'Delete a branch; its queued jobs are cancelled, its versions stay',
          params: params('model', 'branch'),
          response: { 204: z.undefined().describe('Deleted') },
        },
      },
      async ({ params: { model, branch } }, reply) => {
        await deleteBranch(lineage, await modelId(model), branch);
        return reply.status(204).send();
      },
    );

    app.post(
      '/v1/models/:model/branches/:branch/restore',
      {
        config: { access: 'versions:rollback' },
        schema: {
          tags,
          summary: 'Bring a deleted branch back as it was; by id where several of its name were deleted',
          description:
            'One that has another policy than the branch of its name that was deleted last needs the scope `admin`.',
          params: params('model', 'branch'),
          headers: postHeaders,
          response: { 200: branchSchema },
        },
      },
      async (request) => {
        const { model, branch } = request.params;
        return restoreBranch(lineage, await modelId(model), branch, callerOf(request).scopes);
      },
    );

    app.get(
      '/v1/models/:model/branches/:branch/log',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: "The branch's moves, newest first, with the edits each switched on or off",
          params: params('model', 'branch'),
          querystring: pageQuery,
          response: { 200: pageSchema(moveSchema) },
        },
      },
      async ({ params: { model, branch }, query }) => {
        const { id } = await getBranch(lineage, await modelId(model), branch);
        return shown(await branchLog(lineage, id, query));
      },
    );
  };
