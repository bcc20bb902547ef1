// Jobs: how anything that takes its time goes, and what its events say.
import { z } from 'zod';
import { approvalSchema } from './approvals.ts';
import { gateVerdictSchema } from './gate.ts';
import { priorities, storedMetadataSchema } from './resource-parts.ts';
import { evaluationSummarySchema } from './results.ts';
import { jobKinds, jobStates } from './states.ts';

export const jobSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('job'),
    kind: z.enum(jobKinds),
    state: z.enum(jobStates),
    model_id: z.string().nullable(),
    branch: z.string().nullable(),
    sequence: z.int(),
    attempts: z.int(),
    input: z.record(z.string(), z.unknown()),
    parent_version_id: z.string().nullable(),
    /** Of an edit job that changed nothing, because all that it asked for held already, the same as `parent_version_id`. */
    version_id: z.string().nullable(),
    /** An edit job that commits nothing: a dry run at level `compute`. */
    trial: z.boolean(),
    /** The job that this one is a shard of. */
    parent_job_id: z.string().nullable(),
    summary: evaluationSummarySchema.nullable(),
    gate: gateVerdictSchema.nullable(),
    /** What else it left behind, by kind: resolved settings, a digest of results, what a search found. */
    result: z.record(z.string(), z.unknown()).nullable(),
    /** Null unless the job has waited for an approval. */
    approval: approvalSchema.nullable(),
    /** The job whose outcome made the service queue this one. */
    cause_job_id: z.string().nullable(),
    error: z
      .strictObject({
        code: z.string(),
        message: z.string(),
        errors: z.array(z.unknown()),
        details: z.record(z.string(), z.unknown()),
      })
      .nullable(),
    metadata: storedMetadataSchema,
    /** Labels of the workers that may take it; none for any worker. */
    needs: z.array(z.string()),
    priority: z.enum(priorities),
    created_by: z.string().nullable(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Job' });
export type JobResource = z.output<typeof jobSchema>;

export const eventSchema = z
  .strictObject({
    id: z.int(),
    job_id: z.string(),
    type: z.string(),
    state: z.enum(jobStates),
    data: z.record(z.string(), z.unknown()),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Event' });
export type JobEvent = z.output<typeof eventSchema>;
