// Upkeep: what a check of everything stored finds, and what a collection of unnamed blobs does.
import { z } from 'zod';

/** What can be wrong, by where it is. Each is found by one rule; docs/history.md says what to do about it. */
export const problemKinds = [
  'blob_missing',
  'blob_corrupt',
  'chain_broken',
  'version_broken',
  'history_broken',
  'alias_broken',
  'tag_broken',
  'snapshot_broken',
  'candidate_broken',
  'artefact_broken',
  'job_broken',
  'audit_broken',
  'usage_broken',
] as const;
export type ProblemKind = (typeof problemKinds)[number];

export const problemFindingSchema = z.strictObject({
  kind: z.enum(problemKinds),
  /** The id of what is broken: of a blob, a contribution, a version, a branch, an alias, a tag, an artefact, a job, a model, or the number of an audit entry. */
  where: z.string(),
  what: z.string(),
});
export type ProblemFinding = z.output<typeof problemFindingSchema>;

export const checkRequestSchema = z
  .strictObject({
    /** Reads every blob and compares it with its name; otherwise only its length is looked at. */
    content: z.boolean().default(true),
    /** Opens every snapshot and the deltas it stands for, and compares the weights. */
    snapshots: z.boolean().default(false),
  })
  .meta({ id: 'CheckRequest' });
export type CheckRequest = z.input<typeof checkRequestSchema>;

/** What a check looked at and found. The first problems are named; all are counted. */
export const checkReportSchema = z.strictObject({
  ok: z.boolean(),
  checked: z.strictObject({
    blobs: z.int(),
    bytes: z.int(),
    references: z.int(),
    contributions: z.int(),
    versions: z.int(),
    branches: z.int(),
    moves: z.int(),
    aliases: z.int(),
    tags: z.int(),
    snapshots: z.int(),
    jobs: z.int(),
    /** Reports of earlier builds have none. */
    audit_entries: z.int().optional(),
  }),
  /** Blobs that nothing names: a collection's business, not a problem. */
  unnamed: z.strictObject({ blobs: z.int(), bytes: z.int() }),
  problem_count: z.int(),
  by_kind: z.partialRecord(z.enum(problemKinds), z.int()),
  problems: z.array(problemFindingSchema),
  seconds: z.number(),
});
export type CheckReport = z.output<typeof checkReportSchema>;

export const defaultGraceHours = 24;

export const collectionRequestSchema = z
  .strictObject({
    /** Says what would be done, and does nothing. */
    dry_run: z.boolean().default(true),
    /** Hours that a blob stays unnamed, and marked as such, before it is deleted. */
    grace_hours: z.number().min(0).max(8760).default(defaultGraceHours),
  })
  .meta({ id: 'CollectionRequest' });
export type CollectionRequest = z.input<typeof collectionRequestSchema>;

/** What names a blob. */
export const blobUses = ['model', 'delta', 'artefact', 'snapshot', 'candidate', 'evaluation'] as const;
export type BlobUse = (typeof blobUses)[number];

const amount = z.strictObject({ blobs: z.int(), bytes: z.int() });
export const blobUsageSchema = z.strictObject({
  use: z.enum(blobUses),
  /** Of a delta or an artefact its kind: `low_rank`, `second_moment`. */
  kind: z.string().nullable(),
  ...amount.shape,
});
export type BlobUsage = z.output<typeof blobUsageSchema>;

export const collectionReportSchema = z.strictObject({
  dry_run: z.boolean(),
  /** Blobs that something names: they stay, whatever their age. */
  named: amount,
  /** The same by what names them, the largest first; a blob counts once, for the first that names it. Reports of earlier builds have none. */
  uses: z.array(blobUsageSchema).optional(),
  /** The largest blobs, with what names each; null for nothing. Reports of earlier builds have none. */
  largest: z.array(z.strictObject({ blob: z.string(), bytes: z.int(), by: z.string().nullable() })).optional(),
  /** Unnamed for the first time, or stored again since: marked now, deleted by a collection after the grace period. */
  marked: amount,
  /** Marked before, and within the grace period, or younger than a job under way that may yet name it. */
  waiting: amount,
  deleted: amount,
  /** Snapshots that no branch, alias or tag is opened from any more. Their blobs are unnamed from now on. */
  snapshots_dropped: z.int(),
  /** The first blobs that were deleted, or would be. */
  blobs: z.array(z.string()),
  seconds: z.number(),
});
export type CollectionReport = z.output<typeof collectionReportSchema>;
