// Jobs: what is asked for, what a dry run says of it, how it goes and what became of each edit.
import { z } from 'zod';
import { editorNameSchema } from '../editor-configs.ts';
import { textLimits } from './edits.ts';
import { gatePolicySchema, gateVerdictSchema } from './gate.ts';
import {
  configSchema,
  jsonlTextSchema,
  metadataSchema,
  nameOrIdSchema,
  storedMetadataSchema,
} from './resource-parts.ts';
import { editResultSchema, evaluationSummarySchema } from './results.ts';
import { jobKinds, jobStates } from './states.ts';

/**
 * What an edit that cannot be applied does to its batch: `abort` stops at the first such edit; `continue` applies the others;
 * `rollback` tries all, so that every such edit is named, and when there is one keeps none.
 */
export const onErrorChoices = ['abort', 'continue', 'rollback'] as const;
export type OnError = (typeof onErrorChoices)[number];
export const dryRunLevels = ['validate', 'compute'] as const;
export const editJobRequestSchema = z
  .strictObject({
    model: nameOrIdSchema,
    branch: nameOrIdSchema.default('main'),
    editor: editorNameSchema.optional(),
    config: configSchema.default({}),
    /** Edits as JSON, or as the text of a JSONL file. Exactly one of the two. */
    edits: z.array(z.unknown()).max(textLimits.batch).optional(),
    edits_jsonl: jsonlTextSchema.optional(),
    /** The head the caller has seen; the beginning of its id will do. */
    parent_version_id: nameOrIdSchema.optional(),
    on_conflict: z.enum(['fail', 'rebase']).default('fail'),
    on_error: z.enum(onErrorChoices).default('abort'),
    seed: z.int().min(0).max(0xffff_ffff).default(0),
    /** Replaces the branch's gate for this job; needs the scope `admin`. */
    gate: gatePolicySchema.optional(),
    /** Nothing is committed. */
    dry_run: z.boolean().default(false),
    /** Of a dry run: `validate` answers without queueing anything, `compute` queues a job that edits, evaluates and judges. */
    level: z.enum(dryRunLevels).default('validate'),
    /** Do the work again although a finished job has done the same. */
    force: z.boolean().default(false),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'EditJobRequest' });
export type EditJobRequest = z.input<typeof editJobRequestSchema>;

/** What a dry run answers: the job that would be queued, what it reads, and the active edits that it would override or repeat. */
export const editPlanSchema = z
  .strictObject({
    object: z.literal('edit_plan'),
    model_id: z.string(),
    branch: z.string(),
    parent_version_id: z.string(),
    editor: z.string(),
    /** Complete: the editor's defaults for the model, the model's own, the request's. */
    config: z.record(z.string(), z.unknown()),
    edits: z.int(),
    /** Tokens of all edits' prompts and targets, of the longest prompt with its answer, and what the model reads. */
    tokens: z.strictObject({ total: z.int(), longest: z.int(), context: z.int() }),
    /** One for each edit, in order. */
    layouts: z.array(
      z.strictObject({
        custom_id: z.string(),
        prompt_tokens: z.int(),
        target_tokens: z.int(),
        /** Positions of the subject's first and last token in the prompt. */
        subject: z.strictObject({ first: z.int(), last: z.int() }),
        /** Its own prompt and those of its probes, and the tokens of the longest with its answer. */
        prompts: z.int(),
        longest: z.int(),
      }),
    ),
    /** By the median of finished jobs of this editor on this model, editing and evaluating; null where there are none. */
    cost: z.strictObject({
      jobs: z.int(),
      seconds_per_edit: z.number().nullable(),
      seconds: z.number().nullable(),
    }),
    conflicts: z.array(
      z.strictObject({
        custom_id: z.string(),
        /** The edit, active on the branch, that answers the same question. */
        edit_id: z.string(),
        target_new: z.string(),
        active_target: z.string(),
        same_answer: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'EditPlan' });
export type EditPlan = z.output<typeof editPlanSchema>;

/** A candidate's way through a person's hands. */
export const approvalSchema = z.strictObject({
  state: z.enum(['waiting', 'approved', 'rejected', 'expired']),
  /** The version that the branch would move to, and the one it was measured against. */
  version_id: z.string(),
  parent_version_id: z.string(),
  since: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  /** Id of the API key that decided. */
  by: z.string().nullable(),
  reason: z.string().nullable(),
  decided_at: z.iso.datetime().nullable(),
});
export type Approval = z.output<typeof approvalSchema>;

export const decisionRequestSchema = z.strictObject({ reason: z.string().min(1).max(1000) });

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
    created_by: z.string().nullable(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Job' });
export type JobResource = z.output<typeof jobSchema>;

/** Whether an edit job ended well with nothing to commit: what it asked for held already, or failed. Its version is the one it began on. */
export const changedNothing = ({ kind, version_id, parent_version_id }: ChangingJob): boolean =>
  kind === 'edit' && version_id !== null && version_id === parent_version_id;

type ChangingJob = Pick<JobResource, 'kind' | 'version_id' | 'parent_version_id'>;

export const editRecordSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('edit'),
    job_id: z.string(),
    position: z.int(),
    custom_id: z.string(),
    prompt: z.string(),
    subject: z.string(),
    target_new: z.string(),
    target_true: z.string().nullable(),
    result: editResultSchema.nullable(),
  })
  .meta({ id: 'EditRecord' });
export type EditRecord = z.output<typeof editRecordSchema>;

/** An edit with the branches on whose heads it acts. */
export const editDetailSchema = editRecordSchema
  .extend({
    active_on: z.array(z.strictObject({ branch: z.string(), version_id: z.string() })),
  })
  .meta({ id: 'EditDetail' });
export type EditDetail = z.output<typeof editDetailSchema>;

export const cherryPickRequestSchema = z
  .strictObject({
    /** Where to: a model by name or id, and a branch of it. */
    model: nameOrIdSchema,
    branch: nameOrIdSchema.default('main'),
    /** The edit job whose request is made again, with its editor, settings and seed ... */
    job_id: nameOrIdSchema,
    /** ... or only these edits of it. */
    edit_ids: z.array(nameOrIdSchema).min(1).max(textLimits.batch).optional(),
    /** The head the caller has seen; the beginning of its id will do. */
    parent_version_id: nameOrIdSchema.optional(),
    on_conflict: z.enum(['fail', 'rebase']).default('fail'),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'CherryPickRequest' });
export type CherryPickRequest = z.input<typeof cherryPickRequestSchema>;

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
