// The states of a job and the moves between them.

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

const moves: Record<JobState, readonly JobState[]> = {
  // For its shards: no worker holds it, and none may take it. The last shard to end sends it on.
  waiting: ['queued', 'cancelled'],
  queued: ['running', 'cancelled', 'rejected'],
  // Back to queued: the worker died or lost its lease, or the attempt failed in a way that a retry can mend.
  running: ['evaluating', 'awaiting_approval', 'committing', 'queued', 'rejected', 'cancelled', 'failed'],
  evaluating: ['awaiting_approval', 'committing', 'queued', 'gated_out', 'rejected', 'cancelled', 'failed'],
  // Nobody holds the job, and it has left the order of its lane; approved, it is queued to be committed.
  awaiting_approval: ['queued', 'rejected', 'cancelled'],
  committing: ['succeeded', 'completed_with_errors', 'queued', 'failed'],
  succeeded: [],
  completed_with_errors: [],
  gated_out: [],
  rejected: [],
  cancelled: ['queued', 'waiting'],
  failed: ['queued', 'waiting'],
};

export const isTerminal = (state: JobState): boolean =>
  moves[state].length === 0 || state === 'cancelled' || state === 'failed';
export const canMove = (from: JobState, to: JobState): boolean => moves[from].includes(to);
/** States in which a worker holds the job. */
export const activeStates = ['running', 'evaluating', 'committing'] as const satisfies readonly JobState[];
/** States a person can still cancel from. */
export const cancellableStates = [
  'waiting',
  'queued',
  'running',
  'evaluating',
  'awaiting_approval',
] as const satisfies readonly JobState[];
