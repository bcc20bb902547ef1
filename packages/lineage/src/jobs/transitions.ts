// The moves of a job from state to state: each names the states and the epoch it expects and writes its event in one statement.
import {
  type Approval,
  approvalSchema,
  canMove,
  type EditResult,
  ErrataError,
  type EvaluationSummary,
  type GateVerdict,
  isTerminal,
  type JobKind,
  type JobState,
  type PlainError,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { jsonText, type Lineage, type Tx } from '../database/client.ts';
import { readStoredOrNull } from '../database/stored.ts';
import { announceEnd } from '../webhooks/announce.ts';
import { writeEditResults } from './edits.ts';
import { holdLane, type Lease } from './leases.ts';

/** Attempts that a job gets before a failure that a retry could mend becomes final. */
export const maxAttempts = 5;

/** What a transition can leave on the job besides its state. */
export interface JobMarks {
  readonly error?: PlainError | undefined;
  readonly summary?: EvaluationSummary | null | undefined;
  readonly gate?: GateVerdict | null | undefined;
  /** Whatever else should be kept of the run: resolved settings, prefixes, seeds. */
  readonly result?: Readonly<Record<string, unknown>> | undefined;
  readonly version_id?: string | undefined;
  readonly parent_version_id?: string | undefined;
  readonly model_id?: string | undefined;
  /** Null forgets it. */
  readonly approval?: Approval | null | undefined;
}

export interface Transition extends JobMarks {
  readonly jobId: string;
  readonly from: readonly JobState[];
  readonly to: JobState;
  /** The epoch under which the job must have been taken; left out where no worker is involved. */
  readonly epoch?: number;
  /** Stamped on the job when it is taken. */
  readonly takenUnder?: number;
  /** `uncount` for an attempt that was handed back unharmed; `reset` starts over, forgetting a wish to cancel as well. */
  readonly attempts?: 'count' | 'uncount' | 'reset';
  /** Milliseconds before the job may be taken (again). */
  readonly delayMs?: number;
  /** Type of the event; the new state's name unless given. */
  readonly type?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface JobRow {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly lane_id: string;
  readonly sequence: number;
  readonly model_id: string | null;
  readonly branch_id: string | null;
  readonly parent_job_id: string | null;
  readonly input: Record<string, unknown>;
  readonly metadata: Record<string, string>;
  readonly attempts: number;
  readonly epoch: number | null;
  readonly parent_version_id: string | null;
  readonly version_id: string | null;
  readonly approval: Approval | null;
  /** The job whose outcome asked for this one, where no person did. */
  readonly cause_job_id: string | null;
  /** Id of the API key that asked for it; null where the service itself did. */
  readonly created_by: string | null;
  /** What it was asked for within, as W3C Trace Context writes it. */
  readonly trace_parent: string | null;
  /** Since when it could be taken. */
  readonly available_at: Date;
}

/**
 * Moves a job if it is in one of the expected states, under the expected epoch, and not about to commit or set aside what was cancelled. Returns
 * the row as it became, or null when nothing matched: then nothing was written.
 *
 * The event's id is drawn after the job's row is locked, so a job's events become visible in the order of their ids and a reader
 * who remembers the last id misses none.
 */
export async function transition(tx: Tx, change: Transition): Promise<JobRow | null> {
  for (const from of change.from) {
    if (!canMove(from, change.to)) throw new TypeError(`a job cannot move from ${from} to ${change.to}`);
  }
  const terminal = isTerminal(change.to);
  const rows = await tx.$queryRaw<JobRow[]>`
    WITH moved AS (
      UPDATE jobs SET
        state = ${change.to},
        epoch = coalesce(${change.takenUnder ?? null}::integer, epoch),
        attempts = CASE ${change.attempts ?? 'keep'} WHEN 'count' THEN attempts + 1 WHEN 'uncount' THEN attempts - 1
          WHEN 'reset' THEN 0 ELSE attempts END,
        error = CASE WHEN ${change.to} IN ('running', 'succeeded', 'completed_with_errors') THEN NULL
          ELSE coalesce(${jsonText(change.error)}::jsonb, error) END,
        summary = coalesce(${jsonText(change.summary)}::jsonb, summary),
        gate = coalesce(${jsonText(change.gate)}::jsonb, gate),
        result = coalesce(${jsonText(change.result)}::jsonb, result),
        approval = CASE WHEN ${change.approval === null} THEN NULL
          ELSE coalesce(${jsonText(change.approval)}::jsonb, approval) END,
        version_id = coalesce(${change.version_id ?? null}, version_id),
        parent_version_id = coalesce(${change.parent_version_id ?? null}, parent_version_id),
        model_id = coalesce(${change.model_id ?? null}, model_id),
        cancel_requested = cancel_requested AND ${change.attempts ?? 'keep'} <> 'reset',
        available_at = CASE WHEN ${change.to} = 'queued'
          THEN clock_timestamp() + ${change.delayMs ?? 0}::double precision * interval '1 millisecond' ELSE available_at END,
        started_at = CASE WHEN ${change.to} = 'running' THEN coalesce(started_at, clock_timestamp()) ELSE started_at END,
        finished_at = CASE WHEN ${terminal} THEN clock_timestamp() END
      WHERE id = ${change.jobId} AND state = ANY(${[...change.from]})
        AND (${change.epoch ?? null}::integer IS NULL OR epoch = ${change.epoch ?? null}::integer)
        AND (${change.to} NOT IN ('committing', 'awaiting_approval') OR NOT cancel_requested)
      RETURNING *
    ), forgotten AS (
      -- What an approval would have committed: it was, or never will be.
      DELETE FROM candidates WHERE job_id IN (SELECT id FROM moved WHERE ${terminal || change.attempts === 'reset'})
    ), noted AS (
      INSERT INTO events (job_id, type, state, data)
      SELECT id, ${change.type ?? change.to}, state, ${JSON.stringify(change.data ?? {})}::jsonb FROM moved
    )
    SELECT id, kind, state, lane_id, sequence, model_id, branch_id, parent_job_id, input, metadata, attempts, epoch, parent_version_id,
      version_id, approval, cause_job_id, created_by, trace_parent, available_at
    FROM moved`;
  const [row] = rows;
  const approval = (of: JobRow) => readStoredOrNull(approvalSchema, of.approval, `the approval of ${of.id}`);
  const moved = row === undefined ? null : { ...row, approval: approval(row) };
  if (moved === null || !terminal) return moved;
  // A shard ends for its evaluation alone.
  if (moved.parent_job_id !== null) await releaseParent(tx, moved.parent_job_id);
  else await announceEnd(tx, moved, change);
  return moved;
}

/**
 * Sends a job that waits for its shards on once the last of them has ended, however it ended. Of two shards that end at once the
 * later sees the other's end: it counts after it was given the parent's row, which the other held until its own commit. Whoever
 * locks shards and parent together takes the shards first, as here.
 */
async function releaseParent(tx: Tx, parentId: string): Promise<void> {
  await tx.$queryRaw`SELECT id FROM jobs WHERE id = ${parentId} FOR NO KEY UPDATE`;
  const shards = await tx.job.groupBy({ by: ['state'], where: { parentJobId: parentId }, _count: true });
  if (shards.some(({ state }) => !isTerminal(state as JobState))) return;
  const ended = Object.fromEntries(shards.map(({ state, _count }) => [state, _count]));
  await transition(tx, { jobId: parentId, from: ['waiting'], to: 'queued', data: { shards: ended } });
}

/**
 * A worker's move. Back to queued, it hands the job back: the attempt does not count. `cancel_requested` when the job was to commit and a person had asked to cancel it: nothing was written, and the
 * worker finishes it as cancelled. `stale_epoch` when the lane was taken over or the job is not where the worker believes it to be.
 */
export async function moveJob(
  db: Lineage,
  lease: Lease,
  jobId: string,
  from: JobState,
  to: JobState,
  data: Readonly<Record<string, unknown>> = {},
): Promise<'moved' | 'cancel_requested'> {
  await failpoint('transition.before');
  const outcome = await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const attempts = to === 'queued' ? { attempts: 'uncount' as const } : {};
    if ((await transition(tx, { jobId, from: [from], to, epoch: lease.epoch, data, ...attempts })) !== null)
      return 'moved';
    const job = await tx.job.findUnique({ where: { id: jobId } });
    if (job?.state === from && job.epoch === lease.epoch && job.cancelRequested) return 'cancel_requested';
    throw staleJob(jobId, from, job?.state);
  });
  await failpoint('transition.after');
  return outcome;
}

export interface Finish extends JobMarks {
  readonly jobId: string;
  readonly from: JobState;
  /** The first two for what commits nothing: a trial, or edits that change nothing, whose versions are both the one they began on. */
  readonly to: 'succeeded' | 'completed_with_errors' | 'gated_out' | 'rejected' | 'cancelled' | 'failed';
  readonly editResults?: readonly EditResult[];
}

/** Ends a job without a version: what was found out on the way is kept. `stale_epoch` as for {@link moveJob}. */
export async function finishJob(db: Lineage, lease: Lease, finish: Finish): Promise<void> {
  await failpoint('finish.before');
  await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const { from, editResults, ...change } = finish;
    const { error, version_id, parent_version_id } = finish;
    const data = {
      ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
      ...(version_id === undefined ? {} : { version_id, parent_version_id }),
    };
    if ((await transition(tx, { ...change, from: [from], epoch: lease.epoch, data })) === null) {
      const job = await tx.job.findUnique({ where: { id: finish.jobId } });
      throw staleJob(finish.jobId, from, job?.state);
    }
    await writeEditResults(tx, finish.jobId, editResults ?? []);
  });
  await failpoint('finish.after');
}

/**
 * Puts a job back after a failure that another attempt may mend, to be taken no sooner than `delayMs` from now; once its attempts
 * are used up it fails with that error instead, and where a person asked to cancel it, it is cancelled. Answers which of these happened.
 */
export async function requeueJob(
  db: Lineage,
  lease: Lease,
  retry: { readonly jobId: string; readonly from: JobState; readonly error: PlainError; readonly delayMs?: number },
): Promise<'queued' | 'failed' | 'cancelled'> {
  await failpoint('requeue.before');
  const outcome = await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const job = await tx.job.findUnique({ where: { id: retry.jobId } });
    const to = job === null ? 'queued' : afterFailedAttempt(job);
    const moved = await transition(tx, {
      jobId: retry.jobId,
      from: [retry.from],
      to,
      epoch: lease.epoch,
      error: retry.error,
      delayMs: retry.delayMs ?? 0,
      data: { attempts: job?.attempts ?? 0, error: { code: retry.error.code, message: retry.error.message } },
    });
    if (moved === null) throw staleJob(retry.jobId, retry.from, job?.state);
    return to;
  });
  await failpoint('requeue.after');
  return outcome;
}

/** Where a job goes whose attempt broke off: a cancellation that was asked for meanwhile is honoured now. */
export const afterFailedAttempt = (job: {
  attempts: number;
  cancelRequested: boolean;
}): 'queued' | 'failed' | 'cancelled' =>
  job.cancelRequested ? 'cancelled' : job.attempts >= maxAttempts ? 'failed' : 'queued';

export const staleJob = (jobId: string, expected: JobState, actual: string | undefined): ErrataError =>
  new ErrataError(
    'stale_epoch',
    `${jobId} is no longer ours to move: expected ${expected}, found ${actual ?? 'none'}`,
    {
      details: { job: jobId, expected, actual: actual ?? null },
    },
  );
