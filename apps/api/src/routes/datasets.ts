// Data sets: a file of corrections in any layout, read into edits. Nothing of it is kept.
import { datasetReadingSchema, datasetRequestSchema } from '@errata/contracts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { postHeaders } from '../admission/idempotency.ts';
import { readDatasetOf } from '../requests/read-dataset.ts';

export const datasetRoutes: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/v1/datasets',
    {
      config: { access: 'edits:write', body: 'batch', reach: 'any' },
      schema: {
        tags: ['edit jobs'],
        summary: 'Read a file of corrections, in any layout that is known, into edits',
        description: 'As `errata data check` reads it. Nothing is submitted and nothing is kept.',
        headers: postHeaders,
        body: datasetRequestSchema,
        response: { 200: datasetReadingSchema },
      },
    },
    async ({ body }) => readDatasetOf(body),
  );
};
