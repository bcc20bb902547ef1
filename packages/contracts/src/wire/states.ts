// The kinds of job and the states of one, and how its input is to be understood.

/**
 * The format of jobs' inputs that this build writes, and the latest that it understands. It grows when a worker of before would misunderstand a
 * job: such a worker leaves it to others, as it does a job of a kind that it does not know.
 */
export const jobFormat = 1;

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
