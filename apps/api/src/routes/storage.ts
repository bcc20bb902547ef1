// What the service keeps, in bytes, and how much room is left.
import { storageSchema } from '@errata/contracts';
import { databaseSize, lastCounted, markedGarbage } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { inTime } from '../http/in-time.ts';
import type { ApiParts } from '../parts.ts';

export const storageRoutes =
  ({ lineage, blobs }: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/v1/storage',
      {
        config: { access: 'models:read' },
        schema: {
          tags: ['upkeep'],
          summary: 'How much is stored, of what, and how much room is left',
          description:
            'The store itself is counted by collections, a dry run or not (`POST /v1/collections`): `counted` is what the last of them found.',
          response: { 200: storageSchema },
        },
      },
      async () => {
        const [disk, marked, database, counted] = await Promise.all([
          inTime(blobs.look()),
          markedGarbage(lineage),
          databaseSize(lineage),
          lastCounted(lineage),
        ]);
        const { kind, name } = blobs;
        return { object: 'storage' as const, blobs: { kind, name, disk: disk ?? null, marked }, database, counted };
      },
    );
  };
