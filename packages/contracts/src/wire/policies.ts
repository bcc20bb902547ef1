// Policies: what may move a branch, and every change of it.
import { z } from 'zod';
import { defaultGatePolicy, gateFindingSchema, gatePolicySchema, gateVerdictSchema, storedGateSchema } from './gate.ts';
import { largestInteger } from './resource-parts.ts';
import { jobStates } from './states.ts';

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

/** Jobs that a gate is tried on. */
const triedAtMost = 20;

export const gateTestRequestSchema = z
  .strictObject({
    gate: gatePolicySchema,
    /** The latest jobs of the branch, so many. */
    jobs: z.int().min(1).max(triedAtMost).default(triedAtMost),
  })
  .meta({ id: 'GateTestRequest' });
export type GateTestRequest = z.input<typeof gateTestRequestSchema>;

/** What a gate would have made of the latest batches of a branch, by what was measured of them then. */
export const gateTestSchema = z
  .strictObject({
    object: z.literal('gate_test'),
    branch: z.string(),
    /** Newest first. */
    jobs: z.array(
      z.strictObject({
        job_id: z.string(),
        state: z.enum(jobStates),
        edits: z.int(),
        created_at: z.iso.datetime(),
        version_id: z.string().nullable(),
        /** What it was told then. */
        passed: z.boolean(),
        verdict: gateVerdictSchema,
        /** Rules that nothing measured then answers: they would be measured of another batch, and may fail. */
        unanswered: z.array(gateFindingSchema),
      }),
    ),
  })
  .meta({ id: 'GateTest' });
export type GateTest = z.output<typeof gateTestSchema>;
