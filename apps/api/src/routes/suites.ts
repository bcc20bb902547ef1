// Suites: cases that are stored once under a name and asked often.
import { pageSchema, storedCaseSchema, suiteRequestSchema, suiteSchema } from '@errata/contracts';
import { createSuite, getSuite, listSuiteCases, listSuites } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerOf } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { readCases } from '../requests/evaluations.ts';
import { pageQuery, params } from '../requests/parameters.ts';

const tags = ['evaluations'];
const read = { access: 'models:read' } as const;

export const suiteRoutes =
  ({ lineage }: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/v1/suites',
      {
        config: { access: 'evals:write', body: 'batch' },
        schema: {
          tags,
          summary: 'Store cases under a name, to be asked often',
          description:
            'A suite never changes, so that numbers on it stay comparable. The same name with the same cases answers with what is there.',
          headers: postHeaders,
          body: suiteRequestSchema,
          response: { 201: suiteSchema },
        },
      },
      async (request, reply) => {
        const { name, description, metadata } = request.body;
        const { cases } = await readCases(request.body);
        const created_by = callerOf(request).id;
        const suite = await createSuite(lineage, { name, description, metadata, cases, created_by });
        return reply.status(201).header('location', `/v1/suites/${suite.name}`).send(suite);
      },
    );

    app.get(
      '/v1/suites',
      {
        config: read,
        schema: { tags, summary: 'List suites', querystring: pageQuery, response: { 200: pageSchema(suiteSchema) } },
      },
      async ({ query }) => shown(await listSuites(lineage, query)),
    );

    app.get(
      '/v1/suites/:suite',
      {
        config: read,
        schema: { tags, summary: 'A suite by name or id', params: params('suite'), response: { 200: suiteSchema } },
      },
      async (request) => getSuite(lineage, request.params.suite),
    );

    app.get(
      '/v1/suites/:suite/cases',
      {
        config: read,
        schema: {
          tags,
          summary: 'The cases of a suite, in order',
          params: params('suite'),
          querystring: pageQuery,
          response: { 200: pageSchema(storedCaseSchema) },
        },
      },
      async ({ params: { suite }, query }) => {
        const { id } = await getSuite(lineage, suite);
        return shown(await listSuiteCases(lineage, id, query));
      },
    );
  };
