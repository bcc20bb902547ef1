// The moves of a job from state to state, and what follows from where it is.
import type { InboxState } from '../wire/inbox.ts';
import type { JobResource } from '../wire/jobs.ts';
import type { JobState } from '../wire/states.ts';

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

/** Whether an edit job ended well with nothing to commit: what it asked for held already, or failed. Its version is the one it began on. */
export const changedNothing = ({ kind, version_id, parent_version_id }: ChangingJob): boolean =>
  kind === 'edit' && version_id !== null && version_id === parent_version_id;

type ChangingJob = Pick<JobResource, 'kind' | 'version_id' | 'parent_version_id'>;

/** What became of an edit by the state of its job; `by_result` where the edit's own result says. */
export const inboxStateOfJob: Readonly<Record<JobState, InboxState | 'by_result'>> = {
  waiting: 'batched',
  queued: 'batched',
  running: 'batched',
  evaluating: 'batched',
  awaiting_approval: 'batched',
  committing: 'batched',
  succeeded: 'by_result',
  completed_with_errors: 'by_result',
  gated_out: 'refused',
  rejected: 'failed',
  cancelled: 'withdrawn',
  failed: 'failed',
};
