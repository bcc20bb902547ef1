// The kinds of job and the states of one.

export const jobKinds = [
  'import',
  'artefact',
  'edit',
  'rollback',
  'evaluation',
  'evaluation_shard',
  'bisect',
  'blame',
  'comparison',
  'check',
  'collection',
] as const;
export type JobKind = (typeof jobKinds)[number];

export const jobStates = [
  'waiting',
  'queued',
  'running',
  'evaluating',
  'awaiting_approval',
  'committing',
  'succeeded',
  'completed_with_errors',
  'gated_out',
  'rejected',
  'cancelled',
  'failed',
] as const;
export type JobState = (typeof jobStates)[number];
