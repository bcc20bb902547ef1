// Members of a project: its keys and its people, and the roles of these, for who administers it.
import { memberChangeSchema, memberQuerySchema, memberSchema, pageSchema } from '@errata/contracts';
import { giveRole, listMembers, removeMember } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { params } from '../requests/parameters.ts';

const tags = ['projects'];
const config = { access: 'admin' } as const;

export const memberRoutes =
  ({ lineage }: Pick<ApiParts, 'lineage'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/v1/projects/:project/members',
      {
        config,
        schema: {
          tags,
          summary: 'List who is in a project, keys and people, with their roles',
          description: 'Who reaches the whole service is in no project.',
          params: params('project'),
          querystring: memberQuerySchema,
          response: { 200: pageSchema(memberSchema) },
        },
      },
      async (request) => shown(await listMembers(lineage, request.params.project, request.query)),
    );

    app.put(
      '/v1/projects/:project/members/:person',
      {
        config,
        schema: {
          tags,
          summary: 'Give a person another role in a project than the provider of identities says, or that one again',
          description: 'It holds from the next request on. Keys keep the scopes that they were made with.',
          params: params('project', 'person'),
          body: memberChangeSchema,
          response: { 200: memberSchema },
        },
      },
      async ({ params: { project, person }, body: { role } }) => giveRole(lineage, project, person, role),
    );

    app.delete(
      '/v1/projects/:project/members/:person',
      {
        config,
        schema: {
          tags,
          summary: 'Remove a person from a project, at once and whatever the provider of identities says',
          params: params('project', 'person'),
          response: { 204: z.undefined().describe('Removed') },
        },
      },
      async ({ params: { project, person } }, reply) => {
        await removeMember(lineage, project, person);
        return reply.status(204).send();
      },
    );
  };
