// Branches of a model: asked for and shown.
import { z } from 'zod';
import { gatePolicySchema, storedGateSchema } from './gate.ts';
import { approvalChoices, autoRollbackChoices } from './policies.ts';
import { editorNameSchema, nameOrIdSchema, nameSchema } from './resource-parts.ts';

export const branchRequestSchema = z
  .strictObject({
    name: nameSchema,
    /** A version id or the beginning of one, or the name of a branch, an alias or a tag. */
    from: nameOrIdSchema.default('main'),
    gate: gatePolicySchema.optional(),
    default_editor: editorNameSchema.optional(),
    approval: z.enum(approvalChoices).optional(),
    approval_hours: z.int().min(1).max(8760).nullable().optional(),
    auto_rollback: z.enum(autoRollbackChoices).optional(),
    protected: z.boolean().optional(),
  })
  .meta({ id: 'BranchRequest' });
export type BranchRequest = z.input<typeof branchRequestSchema>;

export const branchSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('branch'),
    model_id: z.string(),
    name: z.string(),
    head: z.string(),
    gate: storedGateSchema,
    default_editor: z.string(),
    approval: z.enum(approvalChoices),
    approval_hours: z.int().nullable(),
    auto_rollback: z.enum(autoRollbackChoices),
    protected: z.boolean(),
    policy_revision: z.int(),
    created_at: z.iso.datetime(),
    /** Set on branches that can be restored. */
    deleted_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Branch' });
export type BranchResource = z.output<typeof branchSchema>;
