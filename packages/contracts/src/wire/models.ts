// Models and branches: requests as they come in and answers as they go out (snake_case JSON).
import { z } from 'zod';
import { editorNameSchema, editorNames, isEditorName } from '../editor-configs.ts';
import { storedGateSchema } from '../rules/stored-gate.ts';
import { defaultGatePolicy, gatePolicySchema } from './gate.ts';
import {
  largestInteger,
  metadataSchema,
  nameOrIdSchema,
  nameSchema,
  pathSchema,
  storedMetadataSchema,
} from './resource-parts.ts';

export const importRequestSchema = z
  .strictObject({
    name: nameSchema,
    path: pathSchema,
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'ImportRequest' });
export type ImportRequest = z.input<typeof importRequestSchema>;
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
  metadata: storedMetadataSchema,
  created_at: z.iso.datetime(),
});
export type ModelResource = z.output<typeof modelSchema>;

/** A model as the API lists it: fit for clients of the widespread completion API, and open about what has been edited. */
export const listedModelSchema = modelSchema
  .extend({
    /** Seconds since 1970. */
    created: z.int(),
    owned_by: z.string(),
    /** Whether the head of `main`, which a bare model name serves, differs from the imported model. */
    edited: z.boolean(),
    branches: z.array(z.strictObject({ name: z.string(), head: z.string(), edited: z.boolean() })),
  })
  .meta({ id: 'Model' });
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

/** What `main` of an imported model begins with. */
export const defaultPolicy: BranchPolicy = {
  gate: defaultGatePolicy,
  approval: 'none',
  approval_hours: null,
  auto_rollback: 'off',
  protected: false,
};

export const policyRequestSchema = branchPolicySchema
  .extend({
    reason: z.string().min(1).max(1000),
    /** The revision that the change was made from; refused with `stale_policy` when there is a later one. */
    if_revision: z.int().min(1).max(largestInteger).optional(),
  })
  .meta({ id: 'PolicyRequest' });
export type PolicyRequest = z.input<typeof policyRequestSchema>;

/** A policy as it is or was: every change is kept, with who made it. */
export const policyRevisionSchema = branchPolicySchema
  .extend({
    gate: storedGateSchema,
    object: z.literal('branch_policy'),
    branch: z.string(),
    revision: z.int(),
    /** Id of the API key; null for the policy that the service itself gave. */
    changed_by: z.string().nullable(),
    reason: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'PolicyRevision' });
export type PolicyRevision = z.output<typeof policyRevisionSchema>;

export const branchRequestSchema = z
  .strictObject({
    name: nameSchema,
    /** A version id or the beginning of one, or the name of a branch, an alias or a tag. */
    from: nameOrIdSchema.default('main'),
    gate: gatePolicySchema.optional(),
    default_editor: editorNameSchema
      .refine(isEditorName, `there are ${editorNames.join(', ')}`)
      .optional()
      .describe(`One of ${editorNames.join(', ')}, in any case`),
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
