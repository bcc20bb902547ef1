// Candidates that wait for an approval: what a commit will need, kept apart from versions until a person has said yes.
import { deltaReferenceSchema } from '@errata/contracts';
import { z } from 'zod';
import { asJson, clientOf, type Db, type Tx } from '../database/client.ts';
import { readStored } from '../database/stored.ts';
import type { VersionCommit } from '../history/commit.ts';
import { moveKinds } from './guard.ts';

/** What an approval commits. */
export interface StoredCandidate
  extends Pick<VersionCommit, 'jobId' | 'parent' | 'kind' | 'ground' | 'outcome' | 'reason'> {
  readonly version: string;
  /** The branch's policy by which it was judged. */
  readonly policyRevision: number;
}

const endingSchema = z.object({
  kind: z.enum(moveKinds),
  outcome: z.enum(['succeeded', 'completed_with_errors']),
});
const contributionsSchema = z.array(
  z.strictObject({
    job_id: z.string(),
    edit_ids: z.array(z.string()),
    deltas: z.array(deltaReferenceSchema),
    bytes: z.number(),
  }),
);

/** Keeps a candidate of a model, instead of an earlier one of the same job. */
export async function storeCandidate(
  tx: Tx,
  modelId: string,
  candidate: StoredCandidate,
  expiresAt: Date | null,
): Promise<void> {
  const { jobId, kind, outcome, parent, ground, version, policyRevision, reason = null } = candidate;
  const row = {
    modelId,
    kind,
    outcome,
    parentVersionId: parent,
    versionId: version,
    afterId: ground.after,
    added: asJson(ground.added),
    policyRevision,
    reason,
    expiresAt,
  };
  await tx.candidate.upsert({ where: { jobId }, create: { jobId, ...row }, update: row });
}

/** Null when none is kept for the job. */
export async function readCandidate(db: Db, jobId: string): Promise<StoredCandidate | null> {
  const row = await clientOf(db).candidate.findUnique({ where: { jobId } });
  if (row === null) return null;
  return {
    jobId,
    ...readStored(endingSchema, { kind: row.kind, outcome: row.outcome }, `the candidate of ${jobId}`),
    parent: row.parentVersionId,
    version: row.versionId,
    ground: { after: row.afterId, added: readStored(contributionsSchema, row.added, `the candidate of ${jobId}`) },
    policyRevision: row.policyRevision,
    reason: row.reason,
  };
}
