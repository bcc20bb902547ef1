// OpenAPI 3.1 from the very schemas that validate, with each operation's scope and the problem it may answer.
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { type OpenapiDocument, tidyDocument } from './tidy.ts';

const description = `Errata keeps a language model's facts right. Corrections are submitted as jobs, measured against the version
they start from, gated, and committed as new versions of a branch; any of them can be taken back.

Every POST takes an \`Idempotency-Key\`. Long work answers 202 with a job and its Location. Lists come in pages:
\`?after=&limit=\`. Errors are problem details (RFC 9457) with \`code\`, \`request_id\`, \`errors\` and \`retryable\`.`;

/** What the operations are about. */
const tags = {
  models: 'Imported models, and the names that completions take.',
  branches: 'Branches, and what may move them.',
  names: 'Tags and aliases, and what a name stands for.',
  versions: 'Versions, how two differ, and the forms that they leave in.',
  'edit jobs': 'Batches of corrections.',
  inbox: 'Corrections that wait for a schedule.',
  schedules: 'When what waits becomes batches.',
  jobs: 'Work that is queued, runs or has ended, and its events.',
  rollbacks: 'Edits taken back.',
  evaluations: 'What was measured, and the suites that are asked.',
  searches: 'Which move broke an answer, and which edit made it.',
  artefacts: 'What editors need of a model beforehand.',
  completions: 'Answers of any version, as clients of the widespread completion API ask for them.',
  upkeep: 'Checks of what is stored, and collections of what nothing needs.',
  service: 'The service itself.',
} as const;

/** Adds the generator; the document is `app.swagger()` once the app is ready. Register it before the routes. */
export async function registerOpenapi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Errata', version: '1', description, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: '/', description: 'The service that this document comes from' }],
      components: {
        securitySchemes: {
          apiKey: {
            type: 'http',
            scheme: 'bearer',
            description: 'An API key; each operation names the scope it needs.',
          },
        },
      },
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    },
    transform: (input) => {
      const { schema, url } = jsonSchemaTransform(input);
      const access = input.route.config?.access;
      if (access === undefined || schema.hide === true) return { schema, url };
      const response = (schema as { response?: Record<string, unknown> }).response ?? {};
      const problem = {
        description: 'A problem',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      };
      return {
        url,
        schema: {
          ...schema,
          security: access === 'public' ? [] : [{ apiKey: [access] }],
          response: { ...response, default: problem },
        },
      };
    },
    transformObject: (input) =>
      tidyDocument(jsonSchemaTransformObject(input) as OpenapiDocument) as ReturnType<typeof jsonSchemaTransformObject>,
  });
}
