// How the service is: what it needs and how soon that answers, and what a person who was not there needs first.
import { z } from 'zod';
import { jobKinds, jobStates } from './states.ts';

/** In numbers and codes: no text of any edit, prompt or name is in it. */
export const vitalsSchema = z.strictObject({
  /** What the database says it is. */
  server: z.string(),
  /** Of the whole database. */
  bytes: z.int(),
  migrations: z.strictObject({ applied: z.int(), of_this_build: z.int(), last: z.string().nullable() }),
  workers: z.int(),
  jobs: z.array(z.strictObject({ kind: z.enum(jobKinds), state: z.enum(jobStates), count: z.int() })),
  /** How long the job that waits longest has waited. */
  oldest_queued_seconds: z.number().nullable(),
  /** The last that ended badly; codes, not messages, which may quote what was asked. */
  failures: z.array(
    z.strictObject({
      job: z.string(),
      kind: z.enum(jobKinds),
      code: z.string().nullable(),
      attempts: z.int(),
      at: z.iso.datetime().nullable(),
    }),
  ),
  /** Rows as the server estimates them, of the largest tables. */
  rows: z.record(z.string(), z.int()),
});
export type Vitals = z.output<typeof vitalsSchema>;

/** Milliseconds that it took to answer; null where it did not answer before long. */
const answered = z.number().nullable();
const upkeepJobSchema = z.strictObject({ job_id: z.string(), state: z.enum(jobStates), at: z.iso.datetime() });

export const healthSchema = z
  .strictObject({
    object: z.literal('health'),
    /** Of Errata. */
    build: z.string(),
    /** Of the API's process that answers. */
    started_at: z.iso.datetime(),
    machine: z.strictObject({
      node: z.string(),
      platform: z.string(),
      processors: z.int(),
      memory_bytes: z.int(),
      free_bytes: z.int(),
    }),
    needs: z.strictObject({
      database: z.strictObject({ ms: answered }),
      queue: z.strictObject({ ms: answered, backend: z.enum(['redis', 'postgres']) }),
      blobs: z.strictObject({ ms: answered, kind: z.enum(['directory', 'bucket']) }),
    }),
    vitals: vitalsSchema,
    /** The last that `errata backup` made of this database; null where it made none that is known. */
    backup: z
      .strictObject({
        digest: z.string(),
        place: z.string(),
        blobs: z.int(),
        bytes: z.int(),
        made_at: z.iso.datetime(),
      })
      .nullable(),
    /** The last check of everything stored that has ended, and the last collection that deleted or marked. */
    check: upkeepJobSchema.nullable(),
    collection: upkeepJobSchema.nullable(),
  })
  .meta({ id: 'Health' });
export type HealthResource = z.output<typeof healthSchema>;
