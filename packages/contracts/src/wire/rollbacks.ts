// Rollbacks: a branch back to a version, or without some of its edits.
import { z } from 'zod';
import { textLimits } from './edits.ts';
import { nameOrIdSchema } from './resource-parts.ts';

export const rollbackModes = ['reset', 'exact', 'subtract'] as const;
export type RollbackMode = (typeof rollbackModes)[number];
export const rollbackRequestSchema = z
  .strictObject({
    model: nameOrIdSchema,
    branch: nameOrIdSchema.default('main'),
    to_version: nameOrIdSchema.optional(),
    revert_edit_ids: z.array(nameOrIdSchema).min(1).max(textLimits.batch).optional(),
    revert_version_ids: z.array(nameOrIdSchema).min(1).max(textLimits.batch).optional(),
    /** `reset` moves the branch to `to_version`. `exact` replays what came after; `subtract` drops deltas and must pass the gate. */
    mode: z.enum(rollbackModes),
    reason: z.string().min(1).max(1000),
    /** The head the caller has seen; the beginning of its id will do. */
    parent_version_id: nameOrIdSchema.optional(),
  })
  .meta({ id: 'RollbackRequest' });
export type RollbackRequest = z.input<typeof rollbackRequestSchema>;
