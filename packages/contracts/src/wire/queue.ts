// The queue as a whole: how much waits, who works and at what, and why work ended badly.
import { z } from 'zod';
import { jobKinds, jobStates } from './states.ts';

/** A job that somebody is at. */
export const workSchema = z.strictObject({
  job_id: z.string(),
  kind: z.enum(jobKinds),
  state: z.enum(jobStates),
  /** Jobs of one lane run one after another. */
  lane: z.string(),
  model_id: z.string().nullable(),
  branch: z.string().nullable(),
  attempts: z.int(),
  started_at: z.iso.datetime().nullable(),
});
export type Work = z.output<typeof workSchema>;

export const workerSchema = z
  .strictObject({
    name: z.string(),
    object: z.literal('worker'),
    /** What it last said of itself counts until then. */
    heard_until: z.iso.datetime(),
    /** What it has: it takes jobs that need nothing else. */
    labels: z.array(z.string()),
    /** Whether it takes no more, and ends when what it is at has ended. */
    draining: z.boolean(),
    work: z.array(workSchema),
  })
  .meta({ id: 'Worker' });
export type WorkerResource = z.output<typeof workerSchema>;

export const queueSchema = z
  .strictObject({
    object: z.literal('queue'),
    backend: z.enum(['redis', 'postgres']),
    /** Lanes that are to be looked at, and that are looked at; null while the queue does not answer. The jobs themselves are in the database. */
    wake_ups: z.strictObject({ waiting: z.int(), active: z.int() }).nullable(),
    /** Jobs that have not ended, by state. */
    jobs: z.record(z.string(), z.int()),
    /** Since when the job that has waited longest has been waiting; null where none waits. */
    waiting_since: z.iso.datetime().nullable(),
    /** Those that have been heard of lately, by name. */
    workers: z.array(workerSchema),
  })
  .meta({ id: 'Queue' });
export type QueueResource = z.output<typeof queueSchema>;

/** States in which work has ended badly. */
export const badEnds = ['failed', 'rejected', 'gated_out'] as const satisfies readonly (typeof jobStates)[number][];

export const failuresSchema = z
  .strictObject({
    object: z.literal('failures'),
    since: z.iso.datetime(),
    /** The most frequent first. */
    causes: z.array(
      z.strictObject({
        state: z.enum(badEnds),
        kind: z.enum(jobKinds),
        /** The code of the error; of a candidate that was gated out, the metric of a rule that it broke: once for each. */
        cause: z.string(),
        jobs: z.int(),
        first_at: z.iso.datetime(),
        last_at: z.iso.datetime(),
        last_job_id: z.string(),
        /** What the last of them was told. */
        message: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Failures' });
export type Failures = z.output<typeof failuresSchema>;
