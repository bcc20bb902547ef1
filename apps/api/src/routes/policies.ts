// The policy of a branch: its gate, approvals, automatic rollback and protection, with every change kept.
import { pageSchema, policyRequestSchema, policyRevisionSchema } from '@errata/contracts';
import { getModel, getPolicy, listPolicies, setPolicy } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerOf } from '../admission/auth.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { pageQuery, params } from '../requests/parameters.ts';

const tags = ['branches'];
const address = '/v1/models/:model/branches/:branch/policy';

export const policyRoutes =
  ({ lineage }: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const modelId = async (nameOrId: string) => (await getModel(lineage, nameOrId)).resource.id;

    app.get(
      address,
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'What may move a branch: its gate, approvals, automatic rollback, protection',
          params: params('model', 'branch'),
          response: { 200: policyRevisionSchema },
        },
      },
      async ({ params: { model, branch } }) => getPolicy(lineage, await modelId(model), branch),
    );

    app.put(
      address,
      {
        config: { access: 'admin' },
        schema: {
          tags,
          summary: 'Change the policy of a branch, giving the reason',
          description:
            'The whole policy is given, so that nothing is switched off by being left out. `if_revision` refuses the change ' +
            'when somebody else made one meanwhile.',
          params: params('model', 'branch'),
          body: policyRequestSchema,
          response: { 200: policyRevisionSchema },
        },
      },
      async (request) => {
        const { reason, if_revision, ...policy } = request.body;
        const { model, branch } = request.params;
        const change = { policy, reason, if_revision, changed_by: callerOf(request).id };
        return setPolicy(lineage, await modelId(model), branch, change);
      },
    );

    app.get(
      `${address}/history`,
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'Every policy that a branch has had, the latest first, with who made it and why',
          params: params('model', 'branch'),
          querystring: pageQuery,
          response: { 200: pageSchema(policyRevisionSchema) },
        },
      },
      async ({ params: { model, branch }, query }) =>
        shown(await listPolicies(lineage, await modelId(model), branch, query)),
    );
  };
