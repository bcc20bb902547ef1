// Rollbacks: a branch back to a version, or without some of its edits.
import { z } from 'zod';

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
