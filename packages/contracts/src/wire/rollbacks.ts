// Rollbacks: a branch back to a version, or without some of its edits.
import { z } from 'zod';
import { textLimits } from './edits.ts';
import { nameOrIdSchema, prioritySchema } from './resource-parts.ts';
import { editMentionSchema } from './versions.ts';

export const rollbackModes = ['reset', 'exact', 'subtract'] as const;
export type RollbackMode = (typeof rollbackModes)[number];
const target = {
  model: nameOrIdSchema,
  branch: nameOrIdSchema.default('main'),
  to_version: nameOrIdSchema.optional(),
  revert_edit_ids: z.array(nameOrIdSchema).min(1).max(textLimits.batch).optional(),
  revert_version_ids: z.array(nameOrIdSchema).min(1).max(textLimits.batch).optional(),
  /** `reset` moves the branch to `to_version`. `exact` replays what came after; `subtract` drops deltas and must pass the gate. */
  mode: z.enum(rollbackModes),
};

export const rollbackRequestSchema = z
  .strictObject({
    ...target,
    reason: z.string().min(1).max(1000),
    /** The head the caller has seen; the beginning of its id will do. */
    parent_version_id: nameOrIdSchema.optional(),
    priority: prioritySchema,
  })
  .meta({ id: 'RollbackRequest' });
export type RollbackRequest = z.input<typeof rollbackRequestSchema>;

export const rollbackPlanRequestSchema = z.strictObject(target).meta({ id: 'RollbackPlanRequest' });
export type RollbackPlanRequest = z.input<typeof rollbackPlanRequestSchema>;

/** What a rollback would do, before it is asked for. */
export const rollbackPlanSchema = z
  .strictObject({
    object: z.literal('rollback_plan'),
    mode: z.enum(rollbackModes),
    branch: z.string(),
    /** The head that it is planned for. */
    parent_version_id: z.string(),
    /** Edits that go, of which the first are named. Of a reset: none, since the version says it. */
    edit_count: z.int(),
    edits: z.array(editMentionSchema),
    /** What these edits have left, alone or with others that were solved together with them. */
    deltas: z.array(z.strictObject({ kind: z.string(), count: z.int() })),
    /** Edits that were solved together with these and cannot be told apart from them: to subtract, all of them have to go, and it is refused otherwise. */
    shared_with: z.int(),
    /** `exact`: requests that are carried out again, those of the same batches and all later ones; null in other modes. */
    replays: z.strictObject({ jobs: z.int(), edits: z.int() }).nullable(),
    /** Where the branch comes to; null where that is known only when requests have been carried out again, or it is refused. */
    version_id: z.string().nullable(),
  })
  .meta({ id: 'RollbackPlan' });
export type RollbackPlanResource = z.output<typeof rollbackPlanSchema>;
