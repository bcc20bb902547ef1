// What the service keeps, in bytes: blobs by what names them, the database by its tables, and how much room is left.
import { z } from 'zod';
import { collectionReportSchema } from './upkeep.ts';

export const storageSchema = z
  .strictObject({
    object: z.literal('storage'),
    blobs: z.strictObject({
      kind: z.enum(['directory', 'bucket']),
      /** The last part of the directory's path, or the bucket. */
      name: z.string(),
      /** Of the disk that the directory is on, as the API sees it; null for a bucket, and where it cannot be told. */
      disk: z.strictObject({ free_bytes: z.int(), bytes: z.int() }).nullable(),
      /** Found unnamed by collections so far, and not deleted yet. */
      marked: z.strictObject({ blobs: z.int(), bytes: z.int(), since: z.iso.datetime().nullable() }),
    }),
    database: z.strictObject({
      bytes: z.int(),
      /** The largest, with their indexes; rows as the server estimates them. */
      tables: z.array(z.strictObject({ name: z.string(), bytes: z.int(), rows: z.int() })),
    }),
    /** What the last collection counted, a dry run or not; null before the first. */
    counted: z.strictObject({ job_id: z.string(), at: z.iso.datetime(), report: collectionReportSchema }).nullable(),
  })
  .meta({ id: 'Storage' });
export type StorageResource = z.output<typeof storageSchema>;
