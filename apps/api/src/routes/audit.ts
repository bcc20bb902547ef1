// The audit log: who did what, in a chain that whoever has a copy of can check.
import { auditEntrySchema, auditQuerySchema, pageSchema } from '@errata/contracts';
import { listAudit, sealAudit } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';

export const auditRoutes =
  ({ lineage }: Pick<ApiParts, 'lineage'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/v1/audit',
      {
        config: { access: 'audit:read' },
        schema: {
          tags: ['upkeep'],
          summary: 'Who did what, from the first act on',
          description:
            'Every act of administration and of lineage that has been committed. The hash of an entry is the sha256 of its other fields as canonical JSON ' +
            '(keys in order, no white space), and one of these is the hash of the entry before it.',
          querystring: auditQuerySchema,
          response: { 200: pageSchema(auditEntrySchema) },
        },
      },
      async ({ query: { after, limit, ...filter } }) => {
        await sealAudit(lineage);
        return shown(await listAudit(lineage, filter, { after, limit }));
      },
    );
  };
