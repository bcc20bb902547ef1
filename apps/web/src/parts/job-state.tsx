// The state of a job, in words and in colour.
import { isTerminal, type JobState } from '@errata/contracts';

const looks: Readonly<Record<JobState, readonly [words: string, tone: string]>> = {
  waiting: ['waiting', ''],
  queued: ['queued', ''],
  running: ['running', 'live'],
  evaluating: ['evaluating', 'live'],
  awaiting_approval: ['awaiting approval', 'warn'],
  committing: ['committing', 'live'],
  succeeded: ['succeeded', 'good'],
  completed_with_errors: ['completed with errors', 'warn'],
  gated_out: ['gated out', 'bad'],
  rejected: ['rejected', 'bad'],
  cancelled: ['cancelled', ''],
  failed: ['failed', 'bad'],
};

/** Whether a job goes on by itself. */
export const isMoving = (state: JobState): boolean => !isTerminal(state) && state !== 'awaiting_approval';

export function JobStateBadge({ state }: { readonly state: JobState }) {
  const [words, tone] = looks[state] ?? [state, ''];
  return <span className={`badge ${tone}`}>{words}</span>;
}
