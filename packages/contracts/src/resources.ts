// The resources of the API: requests as they come in and answers as they go out (snake_case JSON).
import { z } from 'zod';
import { editorNames } from './editor-configs.ts';
import { gatePolicySchema, gateVerdictSchema } from './gate.ts';
import { deltaReferenceSchema, versionPrefix } from './manifest.ts';
import { editResultSchema, evaluationSummarySchema } from './results.ts';
import { jobKinds, jobStates } from './states.ts';

export const scopes = [
  'models:read',
  'edits:write',
  'versions:rollback',
  'aliases:write',
  'evals:write',
  'approve',
  'admin',
] as const;
export type Scope = (typeof scopes)[number];

export const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'lower-case letters, digits, dot, dash and underscore, 64 at most');
/** What may be made under a name of a model: branches, aliases, tags. A version id is no name. */
export const referenceNameSchema = nameSchema.refine(
  (name) => !name.startsWith(versionPrefix),
  `a name does not begin with ${versionPrefix}`,
);
const metadata = z.record(z.string().max(64), z.string().max(512));
const time = z.iso.datetime();

// Models and branches
export const importRequestSchema = z.strictObject({
  name: nameSchema,
  path: z.string().min(1),
  metadata: metadata.optional(),
});
export const modelSchema = z.strictObject({
  id: z.string(),
  object: z.literal('model'),
  name: z.string(),
  digest: z.string(),
  model_type: z.string(),
  parameters: z.int(),
  layers: z.int(),
  width: z.int(),
  vocabulary: z.int(),
  context: z.int(),
  has_tokenizer: z.boolean(),
  metadata,
  created_at: time,
});
export type ModelResource = z.output<typeof modelSchema>;

/** A model as the API lists it: fit for clients of the widespread completion API, and open about what has been edited. */
export const listedModelSchema = modelSchema.extend({
  /** Seconds since 1970. */
  created: z.int(),
  owned_by: z.string(),
  /** Whether the head of `main`, which a bare model name serves, differs from the imported model. */
  edited: z.boolean(),
  branches: z.array(z.strictObject({ name: z.string(), head: z.string(), edited: z.boolean() })),
});
export type ListedModel = z.output<typeof listedModelSchema>;

export const approvalChoices = ['none', 'required'] as const;
export const autoRollbackChoices = ['off', 'reset'] as const;

/** What may move a branch. */
export const branchPolicySchema = z.strictObject({
  /** What a candidate must meet. */
  gate: gatePolicySchema,
  /** `required`: a candidate that passed the gate waits for a person with the scope `approve` who did not submit it. */
  approval: z.enum(approvalChoices),
  /** Hours after which a candidate that nobody approved is rejected; null lets it wait. */
  approval_hours: z.int().min(1).max(8760).nullable(),
  /** What a later evaluation of the head that fails the gate does: nothing, or a rollback to the last version that passed one. */
  auto_rollback: z.enum(autoRollbackChoices),
  /** Every edit and revert needs an approval, and nobody resets or deletes the branch. */
  protected: z.boolean(),
});
export type BranchPolicy = z.output<typeof branchPolicySchema>;

export const policyRequestSchema = branchPolicySchema.extend({
  reason: z.string().min(1).max(1000),
  /** The revision that the change was made from; refused with `stale_policy` when there is a later one. */
  if_revision: z.int().min(1).optional(),
});
export type PolicyRequest = z.input<typeof policyRequestSchema>;

/** A policy as it is or was: every change is kept, with who made it. */
export const policyRevisionSchema = branchPolicySchema.extend({
  object: z.literal('branch_policy'),
  branch: z.string(),
  revision: z.int(),
  /** Id of the API key; null for the policy that the service itself gave. */
  changed_by: z.string().nullable(),
  reason: z.string().nullable(),
  created_at: time,
});
export type PolicyRevision = z.output<typeof policyRevisionSchema>;

export const branchRequestSchema = z.strictObject({
  name: referenceNameSchema,
  /** A version id or the beginning of one, or the name of a branch, an alias or a tag. */
  from: z.string().default('main'),
  gate: gatePolicySchema.optional(),
  default_editor: z.enum(editorNames).optional(),
  approval: z.enum(approvalChoices).optional(),
  approval_hours: z.int().min(1).max(8760).nullable().optional(),
  auto_rollback: z.enum(autoRollbackChoices).optional(),
  protected: z.boolean().optional(),
});
export const branchSchema = z.strictObject({
  id: z.string(),
  object: z.literal('branch'),
  model_id: z.string(),
  name: z.string(),
  head: z.string(),
  gate: gatePolicySchema,
  default_editor: z.string(),
  approval: z.enum(approvalChoices),
  approval_hours: z.int().nullable(),
  auto_rollback: z.enum(autoRollbackChoices),
  protected: z.boolean(),
  policy_revision: z.int(),
  created_at: time,
  /** Set on branches that can be restored. */
  deleted_at: time.nullable(),
});
export type BranchResource = z.output<typeof branchSchema>;

// Versions
export const versionSchema = z.strictObject({
  id: z.string(),
  object: z.literal('version'),
  model_id: z.string(),
  parent_id: z.string().nullable(),
  job_id: z.string().nullable(),
  /** Solves whose deltas are active; 0 for the imported model. */
  depth: z.int(),
  delta_bytes: z.int(),
  created_at: time,
});
export type VersionResource = z.output<typeof versionSchema>;

/** An edit as versions and histories mention it. */
export const editMentionSchema = z.strictObject({
  id: z.string(),
  custom_id: z.string(),
  prompt: z.string(),
  subject: z.string(),
  target_new: z.string(),
});
export type EditMention = z.output<typeof editMentionSchema>;

/** What the second version has and the first has not, and the reverse: deltas in order, with the edits each came from. */
export const versionDiffSchema = z.strictObject({
  object: z.literal('version_diff'),
  from: z.string(),
  to: z.string(),
  /** Deltas on each side, of which the lists name the first. */
  added_count: z.int(),
  removed_count: z.int(),
  added: z.array(z.strictObject({ delta: deltaReferenceSchema, edits: z.array(editMentionSchema) })),
  removed: z.array(z.strictObject({ delta: deltaReferenceSchema, edits: z.array(editMentionSchema) })),
});
export type VersionDiff = z.output<typeof versionDiffSchema>;

/** How the weights of two versions differ, parameter by parameter. */
export const weightsDiffSchema = z.strictObject({
  object: z.literal('weights_diff'),
  from: z.string(),
  to: z.string(),
  /** Parameters that differ, the largest relative change first. */
  tensors: z.array(
    z.strictObject({
      tensor: z.string(),
      shape: z.array(z.int()),
      /** Frobenius norm of the change. */
      norm: z.number(),
      /** The same against the norm of the first version's parameter; null when that is zero. */
      relative: z.number().nullable(),
      /** The largest change of an element. */
      largest: z.number(),
      /**
       * Directions of the change that carry more than rounding to float32 can account for; with `at_least`, counting was given up
       * there. Null for parameters that are no linear maps.
       */
      rank: z.strictObject({ value: z.int(), at_least: z.boolean() }).nullable(),
    }),
  ),
  /** Codebooks that differ, by the entries that came, went and stayed. */
  codebooks: z.array(
    z.strictObject({ site: z.string(), layer: z.int(), added: z.int(), removed: z.int(), kept: z.int() }),
  ),
});
export type WeightsDiff = z.output<typeof weightsDiffSchema>;

/** One step of a branch's append-only history. */
export const moveSchema = z.strictObject({
  sequence: z.int(),
  kind: z.enum(['created', 'edit', 'reset', 'exact', 'subtract']),
  from_version: z.string().nullable(),
  to_version: z.string(),
  job_id: z.string().nullable(),
  /** Edits that it switched on or off, of which `edits` names the first. */
  edit_count: z.int(),
  edits: z.array(
    z.strictObject({
      id: z.string(),
      custom_id: z.string(),
      prompt: z.string(),
      target_new: z.string(),
      active: z.boolean(),
    }),
  ),
  reason: z.string().nullable(),
  created_at: time,
});
export type MoveResource = z.output<typeof moveSchema>;

// Edit jobs
/**
 * What an edit that cannot be applied does to its batch: `abort` stops at the first such edit; `continue` applies the others;
 * `rollback` tries all, so that every such edit is named, and when there is one keeps none.
 */
export const onErrorChoices = ['abort', 'continue', 'rollback'] as const;
export type OnError = (typeof onErrorChoices)[number];
export const dryRunLevels = ['validate', 'compute'] as const;
export const editJobRequestSchema = z.strictObject({
  model: z.string(),
  branch: z.string().default('main'),
  editor: z.string().optional(),
  config: z.record(z.string(), z.unknown()).default({}),
  /** Edits as JSON, or as the text of a JSONL file. Exactly one of the two. */
  edits: z.array(z.unknown()).optional(),
  edits_jsonl: z.string().optional(),
  /** The head the caller has seen; the beginning of its id will do. */
  parent_version_id: z.string().min(1).optional(),
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
  metadata: metadata.optional(),
});
export type EditJobRequest = z.input<typeof editJobRequestSchema>;

/** What a dry run answers: the job that would be queued, what it reads, and the active edits that it would override or repeat. */
export const editPlanSchema = z.strictObject({
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
});
export type EditPlan = z.output<typeof editPlanSchema>;

/** A candidate's way through a person's hands. */
export const approvalSchema = z.strictObject({
  state: z.enum(['waiting', 'approved', 'rejected', 'expired']),
  /** The version that the branch would move to, and the one it was measured against. */
  version_id: z.string(),
  parent_version_id: z.string(),
  since: time,
  expires_at: time.nullable(),
  /** Id of the API key that decided. */
  by: z.string().nullable(),
  reason: z.string().nullable(),
  decided_at: time.nullable(),
});
export type Approval = z.output<typeof approvalSchema>;

export const decisionRequestSchema = z.strictObject({ reason: z.string().min(1).max(1000) });

export const jobSchema = z.strictObject({
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
  metadata,
  created_by: z.string().nullable(),
  created_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
});
export type JobResource = z.output<typeof jobSchema>;

export const editRecordSchema = z.strictObject({
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
});
export type EditRecord = z.output<typeof editRecordSchema>;

/** An edit with the branches on whose heads it acts. */
export const editDetailSchema = editRecordSchema.extend({
  active_on: z.array(z.strictObject({ branch: z.string(), version_id: z.string() })),
});
export type EditDetail = z.output<typeof editDetailSchema>;

export const cherryPickRequestSchema = z.strictObject({
  /** Where to: a model by name or id, and a branch of it. */
  model: z.string(),
  branch: z.string().default('main'),
  /** The edit job whose request is made again, with its editor, settings and seed ... */
  job_id: z.string(),
  /** ... or only these edits of it. */
  edit_ids: z.array(z.string()).min(1).optional(),
  /** The head the caller has seen; the beginning of its id will do. */
  parent_version_id: z.string().min(1).optional(),
  on_conflict: z.enum(['fail', 'rebase']).default('fail'),
  metadata: metadata.optional(),
});
export type CherryPickRequest = z.input<typeof cherryPickRequestSchema>;

export const eventSchema = z.strictObject({
  id: z.int(),
  job_id: z.string(),
  type: z.string(),
  state: z.enum(jobStates),
  data: z.record(z.string(), z.unknown()),
  created_at: time,
});
export type JobEvent = z.output<typeof eventSchema>;

// Artefacts
export const artefactRequestSchema = z
  .strictObject({
    model: z.string(),
    kind: z.literal('second_moment'),
    /** Layers whose keys are measured; all that the editors need by default when left out. */
    layers: z.array(z.int().min(0)).min(1).optional(),
    /** Instead of layers: those that one editor needs by default. */
    editor: z.string().optional(),
    /** A text file on the worker's machine; the model's own corpus when left out. */
    corpus: z.string().optional(),
    /** Tokens read at most. */
    tokens: z.int().min(1).optional(),
    /**
     * Added to the diagonal before inversion, as a fraction of its mean. Statistics of fewer tokens than the keys have
     * dimensions cannot be inverted without.
     */
    ridge: z.number().positive().max(1).optional(),
  })
  .refine(({ layers, editor }) => layers === undefined || editor === undefined, {
    path: ['editor'],
    message: 'give either layers or an editor',
  });
export const artefactSchema = z.strictObject({
  id: z.string(),
  object: z.literal('artefact'),
  model_id: z.string(),
  kind: z.string(),
  layer: z.int(),
  blob: z.string(),
  details: z.record(z.string(), z.unknown()),
  created_at: time,
});
export type ArtefactResource = z.output<typeof artefactSchema>;

// Rollbacks
export const rollbackModes = ['reset', 'exact', 'subtract'] as const;
export type RollbackMode = (typeof rollbackModes)[number];
export const rollbackRequestSchema = z.strictObject({
  model: z.string(),
  branch: z.string().default('main'),
  to_version: z.string().optional(),
  revert_edit_ids: z.array(z.string()).min(1).optional(),
  revert_version_ids: z.array(z.string()).min(1).optional(),
  /** `reset` moves the branch to `to_version`. `exact` replays what came after; `subtract` drops deltas and must pass the gate. */
  mode: z.enum(rollbackModes),
  reason: z.string().min(1).max(1000),
  /** The head the caller has seen; the beginning of its id will do. */
  parent_version_id: z.string().min(1).optional(),
});
export type RollbackRequest = z.input<typeof rollbackRequestSchema>;

// Completions (the shapes of the widespread completion API)
const sampling = {
  /** `name`, `name@branch` or `name@ver_...`. */
  model: z.string(),
  max_tokens: z.int().min(1).max(1024).default(16),
  temperature: z.number().min(0).max(5).default(0),
  top_k: z.int().min(1).max(1000).optional(),
  seed: z.int().min(0).max(0xffff_ffff).default(0),
  stop: z.union([z.string(), z.array(z.string()).max(8)]).optional(),
};
export const completionRequestSchema = z.strictObject({
  ...sampling,
  prompt: z.union([z.string(), z.array(z.string()).min(1).max(64)]),
});
export const chatCompletionRequestSchema = z.strictObject({
  ...sampling,
  messages: z.array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })).min(1),
});
const usage = z.strictObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() });
export const completionSchema = z.strictObject({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.int(),
  model: z.string(),
  version: z.string(),
  choices: z.array(z.strictObject({ index: z.int(), text: z.string(), finish_reason: z.enum(['stop', 'length']) })),
  usage,
});
export const chatCompletionSchema = z.strictObject({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  version: z.string(),
  choices: z.array(
    z.strictObject({
      index: z.int(),
      message: z.strictObject({ role: z.literal('assistant'), content: z.string() }),
      finish_reason: z.enum(['stop', 'length']),
    }),
  ),
  usage,
});

// Pages and problems
export const pageQuerySchema = z.object({
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});
export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.strictObject({ data: z.array(item), has_more: z.boolean(), next_cursor: z.string().nullable() });
export interface Page<T> {
  readonly data: readonly T[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** RFC 9457 problem details, with our fields. */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  request_id: z.string(),
  retryable: z.boolean(),
  errors: z.array(
    z.strictObject({
      code: z.string(),
      message: z.string(),
      pointer: z.string().optional(),
      line: z.int().optional(),
      field: z.string().optional(),
      custom_id: z.string().optional(),
    }),
  ),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type Problem = z.output<typeof problemSchema>;
