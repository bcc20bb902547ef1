// Edit jobs: what is asked for, what a dry run says of it, and the same again on another head.
import { z } from 'zod';
import { textLimits } from './edits.ts';
import { gatePolicySchema } from './gate.ts';
import {
  configSchema,
  editorNameSchema,
  jsonlTextSchema,
  labelsSchema,
  metadataSchema,
  nameOrIdSchema,
  prioritySchema,
} from './resource-parts.ts';

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
    /** Labels that a worker must have to take the job. */
    needs: labelsSchema.optional(),
    priority: prioritySchema,
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
        /** Positions of the subject's first and last token in the prompt; null for an edit without a subject. */
        subject: z.strictObject({ first: z.int(), last: z.int() }).nullable(),
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
    priority: prioritySchema,
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'CherryPickRequest' });
export type CherryPickRequest = z.input<typeof cherryPickRequestSchema>;
