// Answering a wake-up: takes turns at lanes, and works their jobs.
import { type ErrataError, isTerminal, type JobState, type PlainError, toPlainError } from '@errata/contracts';
import { branchOfLane, evaluationLane, finishJob, moveJob, requeueJob, type TakenJob } from '@errata/lineage';
import { inSpan, startSpan } from '@errata/tracing';
import { type FailedAttempt, judgeFailure } from '../attempts/failed-attempt.ts';
import { whileRunning } from '../attempts/job-run.ts';
import type { WorkerContext } from '../context.ts';
import { workOf } from '../jobs/index.ts';
import { runDue } from './clock.ts';
import type { HeldLane } from './held-lane.ts';
import { takeTurns } from './turn.ts';

/** Answers one wake-up. Never throws: what cannot be settled now is left to the reconciler. */
export async function answerWakeUp(context: WorkerContext, wokenFor: string): Promise<void> {
  const { settings, lineage, dispatch, declined, draining, metrics, log } = context;
  let turns = 0;
  const complain = (lane: string, error: unknown, message: string) => {
    const { code, message: reason } = toPlainError(error);
    if (code === 'stale_epoch') metrics.leaseLost();
    log.warn({ lane, code, error: reason }, message);
  };
  const options = {
    holder: settings.name,
    leaseMs: settings.leaseMs,
    labels: settings.labels,
    draining,
    declines: (lane: string) => performance.now() < (declined.get(lane) ?? 0),
    onHeld: metrics.laneHeld,
    onFailure: (lane: string, error: unknown) => {
      declined.set(lane, performance.now() + settings.reconcileMs);
      complain(lane, error, 'stopped working a lane');
    },
  };
  const work = (lane: HeldLane, job: TakenJob) => traced(job, () => workJob(context, lane, job));
  try {
    await takeTurns({ lineage, dispatch }, wokenFor, options, work, async ({ lane }) => {
      turns++;
      // A schedule may have waited for the job that has just ended.
      const branchId = branchOfLane(lane);
      if (branchId !== null && !draining()) await runDue(context, branchId);
    });
  } catch (error) {
    complain(wokenFor, error, 'stopped looking for lanes that wait');
  }
  for (const [lane, until] of declined) if (until < performance.now()) declined.delete(lane);
  metrics.wakeUpAnswered(turns > 0 ? 'worked' : 'empty');
}

/** The attempt as part of what the job was asked for within, behind its wait. */
async function traced(job: TakenJob, work: () => Promise<JobState>): Promise<void> {
  const attributes = {
    'errata.job': job.id,
    'errata.job.kind': job.kind,
    'errata.job.attempt': job.attempts,
    'errata.model': job.model_id ?? undefined,
  };
  const wait = startSpan('queue', { parent: job.trace_parent, startedAt: job.available_at, attributes });
  wait?.end();
  await inSpan(`job ${job.kind}`, { kind: 'consumer', parent: wait?.traceparent ?? null, attributes }, async (span) => {
    const state = await work();
    const error = state === 'failed' ? { code: state } : undefined;
    span?.end({ attributes: { 'errata.job.state': state }, error });
  });
}

async function workJob(context: WorkerContext, lane: HeldLane, job: TakenJob): Promise<JobState> {
  const log = context.log.child({ job: job.id, kind: job.kind, lane: job.lane_id, attempt: job.attempts });
  const started = performance.now();
  let state: JobState = job.state;
  log.info({ sequence: job.sequence }, 'job started');
  try {
    await whileRunning(context, lane, job, workOf(job.kind), (next) => {
      state = next;
    });
  } catch (thrown) {
    // A commit may have gone through although its answer got lost; then there is nothing left to settle.
    if (isTerminal(state)) throw thrown;
    const failed = judgeFailure(thrown, job.attempts, context.settings.retryMs);
    log.warn({ becomes: failed.kind, state, error: thrown }, 'job interrupted');
    state = await settle(context, lane, job, state, failed);
  }
  const seconds = (performance.now() - started) / 1000;
  context.metrics.jobEnded(job.kind, state, seconds);
  // The last shard to end has sent its evaluation on; before that there is nothing to find there.
  if (job.parent_job_id !== null && isTerminal(state)) await context.dispatch.wake(evaluationLane(job.parent_job_id));
  const moves = job.kind === 'edit' || job.kind === 'rollback';
  const moved = moves && (state === 'succeeded' || state === 'completed_with_errors');
  if (moved && job.branch_id !== null) context.snapshots.moved(job.branch_id);
  log.info({ state, seconds: Number(seconds.toFixed(3)) }, 'job left');
  return state;
}

/** Writes down what became of a failed attempt. Answers with the state it left the job in. */
async function settle(
  { settings, lineage, dispatch, metrics, declined }: WorkerContext,
  { lease }: HeldLane,
  job: TakenJob,
  from: JobState,
  failed: FailedAttempt,
): Promise<JobState> {
  switch (failed.kind) {
    case 'let_go':
      metrics.leaseLost();
      return from;
    case 'hand_back':
      await moveJob(lineage, lease, job.id, from, 'queued', { reason: 'the worker is stopping' });
      return 'queued';
    case 'cancelled':
      await finishJob(lineage, lease, { jobId: job.id, from, to: 'cancelled' });
      return 'cancelled';
    case 'rejected':
    case 'failed': {
      // What only turns out while committing is no longer the request's fault alone.
      const to = from === 'committing' ? 'failed' : failed.kind;
      await finishJob(lineage, lease, { jobId: job.id, from, to, error: forPeople(failed.error) });
      return to;
    }
    case 'retry': {
      const { delayMs } = failed;
      const error = forPeople(failed.error);
      const to = await requeueJob(lineage, lease, { jobId: job.id, from, error, delayMs });
      if (error.code === 'insufficient_memory')
        declined.set(job.lane_id, performance.now() + delayMs + 2 * settings.reconcileMs);
      // The reconciler would find it, only later.
      if (to === 'queued') setTimeout(() => void dispatch.wake(job.lane_id), delayMs + 10).unref();
      return to;
    }
  }
}

/** An error as it is kept with the job: what a process said on its way down is for the log. */
function forPeople(error: ErrataError): PlainError {
  const { details, ...plain } = toPlainError(error);
  const { stderr: _, ...shown } = details;
  return { ...plain, details: shown };
}
