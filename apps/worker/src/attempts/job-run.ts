// One attempt at a job: its state, its interruptions, its calls to the engine, its progress.
import { ErrataError, type JobState, withSignal } from '@errata/contracts';
import type { EngineMethods } from '@errata/engine';
import {
  appendProgress,
  forgetBrokenSnapshot,
  isCancelRequested,
  type Lease,
  moveJob,
  type TakenJob,
} from '@errata/lineage';
import type { WorkerContext } from '../context.ts';
import type { HeldLane } from '../lanes/held-lane.ts';
import { Interruption } from './failed-attempt.ts';
import { type Progress, type ProgressLog, progressLog } from './progress.ts';

type Method = keyof EngineMethods;

/** What the work of each kind of job is given. */
export interface JobRun {
  readonly context: WorkerContext;
  readonly job: TakenJob;
  readonly lease: Lease;
  /** Aborts with an {@link Interruption}: a lost lease, the end of this process, a person's cancellation. */
  readonly signal: AbortSignal;
  /** Where the job stands in the database, as far as we have moved it. */
  state(): JobState;
  /** Moves the job on. Throws an {@link Interruption} when a person has asked to cancel it instead. */
  move(to: 'evaluating' | 'committing'): Promise<void>;
  /** Writes progress that is on its way, and throws where the job is to be broken off: before anything that ends it. */
  settle(): Promise<void>;
  /** Calls the engine; its progress becomes events under the name of `phase`, and an interruption breaks the call off. */
  call<M extends Method>(
    method: M,
    params: EngineMethods[M]['params'],
    phase?: string,
  ): Promise<EngineMethods[M]['result']>;
  /** Notes how far the job has come. */
  report(progress: Progress): void;
  /** Notes that the job has reached one of its outcomes, by a commit or a finish of its own. */
  ended(state: JobState): void;
}

const cancelPollMs = 500;

/** Runs `work` on a job, watching for what should break it off: a lost lease, the end of this process, a person's cancellation. */
export async function whileRunning<T>(
  context: WorkerContext,
  { lease, signal: lost }: HeldLane,
  job: TakenJob,
  work: (run: JobRun) => Promise<T>,
  onState: (state: JobState) => void,
): Promise<T> {
  const { lineage, engine, stopping } = context;
  const cancelled = new AbortController();
  const progress = progressLog(async ({ phase, done, total }) => {
    await appendProgress(lineage, lease, job.id, { phase, done, total });
  });
  let state: JobState = job.state;
  const become = (next: JobState) => {
    state = next;
    onState(next);
  };
  const poll = setInterval(async () => {
    // A database that is away for a moment is no reason to stop.
    const asked = await isCancelRequested(lineage, job.id).catch(() => false);
    if (asked) cancelled.abort(new Interruption('cancelled', 'a person asked to cancel the job'));
  }, cancelPollMs);
  const run = (signal: AbortSignal): JobRun => ({
    context,
    job,
    lease,
    signal,
    state: () => state,
    ended: become,
    report: (report) => progress.report(report),
    settle: () => settle(progress, signal),
    move: async (to) => {
      await settle(progress, signal);
      if ((await moveJob(lineage, lease, job.id, state, to)) === 'cancel_requested')
        throw new Interruption('cancelled', 'a person asked to cancel the job');
      become(to);
    },
    call: async (method, params, phase) => {
      signal.throwIfAborted();
      const result = await engine
        .call(method, params, {
          signal,
          onProgress: ({ stage, done, total }) => progress.report({ phase: phase ?? stage, done, total }),
        })
        .catch(async (error) => {
          if (!(await forgetBrokenSnapshot(lineage, error))) throw error;
          throw new ErrataError('unavailable', 'a snapshot was lost or damaged; the next attempt does without it', {
            cause: error,
          });
        });
      await settle(progress, signal);
      return result;
    },
  });
  try {
    return await withSignal({ follow: [lost, stopping, cancelled.signal] }, (signal) => work(run(signal)));
  } finally {
    clearInterval(poll);
    await progress.settle();
  }
}

/** Progress of a phase is written before the job moves on from it. */
async function settle(progress: ProgressLog, signal: AbortSignal): Promise<void> {
  await progress.settle();
  signal.throwIfAborted();
}
