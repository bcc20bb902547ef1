// OpenAPI 3.1 from the very schemas that validate, with each operation's scope and the problem it may answer.
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { type OpenapiDocument, tidyDocument } from './tidy.ts';

const description = `Errata keeps a language model's facts right. Corrections are submitted as jobs, measured against the version
they start from, gated, and committed as new versions of a branch; any of them can be taken back.

Every POST takes an \`Idempotency-Key\`. Long work answers 202 with a job and its Location. Lists come in pages:
\`?after=&limit=\`. Errors are problem details (RFC 9457) with \`code\`, \`request_id\`, \`errors\` and \`retryable\`.`;

/** Adds the generator; the document is `app.swagger()` once the app is ready. Register it before the routes. */
export async function registerOpenapi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Errata', version: '1', description, license: { name: 'MIT', identifier: 'MIT' } },
      components: {
        securitySchemes: {
          apiKey: {
            type: 'http',
            scheme: 'bearer',
            description: 'An API key; each operation names the scope it needs.',
          },
        },
      },
      tags: [
        'models',
        'branches',
        'names',
        'versions',
        'edit jobs',
        'inbox',
        'schedules',
        'jobs',
        'rollbacks',
        'evaluations',
        'searches',
        'artefacts',
        'completions',
        'upkeep',
        'service',
      ].map((name) => ({ name })),
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
          ...(access === 'public' ? {} : { security: [{ apiKey: [access] }] }),
          response: { ...response, default: problem },
        },
      };
    },
    transformObject: (input) =>
      tidyDocument(jsonSchemaTransformObject(input) as OpenapiDocument) as ReturnType<typeof jsonSchemaTransformObject>,
  });
}
