// The policy of a branch: its gate, approvals, automatic rollback and protection, with every change kept.
import {
  gateTestRequestSchema,
  gateTestSchema,
  pageSchema,
  policyRequestSchema,
  policyRevisionSchema,
} from '@errata/contracts';
import { getBranch, getModel, getPolicy, listPolicies, setPolicy } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerOf } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { pageQuery, params } from '../requests/parameters.ts';
import { tryGate } from '../requests/try-gate.ts';

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

    app.post(
      `${address}/test`,
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'What a gate would have made of the latest batches of a branch',
          description:
            'By what was measured of them then: nothing is measured again, and nothing changes. Rules that nothing of it answers, as on a ' +
            'text generated for a metric that no rule had asked for, are told as `unanswered`.',
          params: params('model', 'branch'),
          headers: postHeaders,
          body: gateTestRequestSchema,
          response: { 200: gateTestSchema },
        },
      },
      async ({ params: { model, branch }, body: { gate, jobs } }) => {
        const { id, name } = await getBranch(lineage, await modelId(model), branch);
        return { object: 'gate_test' as const, branch: name, jobs: [...(await tryGate(lineage, id, gate, jobs))] };
      },
    );
  };
