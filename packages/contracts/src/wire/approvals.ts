// Approvals: a candidate's way through a person's hands.
import { z } from 'zod';

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
