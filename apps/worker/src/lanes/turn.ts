// A worker's turn at a lane: its jobs one after another, until none is left that it may take, or others are to have their turn.
import { canBeTaken, type JobNeeds, type Lineage, type TakenJob, takeNextJob } from '@errata/lineage';
import type { Dispatch } from '@errata/queue';
import { type HeldLane, whileHolding } from './held-lane.ts';

/** What has been done at a turn so far. */
export interface TurnSoFar {
  readonly jobs: number;
  readonly ms: number;
}

const turnMs = 10_000;

/** Whether a lane goes to the back of the queue, so that a long one does not starve the others: by time, as a job may have a thousand edits. */
export const turnIsOver = ({ ms }: TurnSoFar): boolean => ms >= turnMs;

/** Until a wake-up that was not for this worker is given to another: on average, so that several do not keep step. */
const handOnMs = 300;

/** The pause before a lane whose next job is for other workers is woken for one of them. `random` is uniform in [0, 1). */
export const handOnAfterMs = (random: number): number => handOnMs * (0.5 + random);

export interface TurnOptions {
  /** Unique to the taker. */
  readonly holder: string;
  readonly leaseMs: number;
  readonly labels: readonly string[];
  /** Whether no further job may be taken. */
  readonly draining: () => boolean;
  /** {@link turnIsOver} unless given. */
  readonly isOver?: (soFar: TurnSoFar) => boolean;
  /** Told when the lane is taken and when it is given back. */
  readonly onHeld?: (change: 1 | -1) => void;
}

export interface Turn {
  /** False when somebody else held the lane. */
  readonly held: boolean;
  readonly jobs: number;
}

/**
 * Holds the lane and hands its jobs to `work`. Then wakes it for whoever is to go on: where jobs may be left, for the next in line; where
 * the next job is not for this worker, for others after a pause, if there are any. `stale_epoch` when the lane was taken over.
 */
export async function takeTurn(
  { lineage, dispatch }: { readonly lineage: Lineage; readonly dispatch: Pick<Dispatch, 'wake'> },
  laneId: string,
  { holder, leaseMs, labels, draining, isOver = turnIsOver, onHeld = () => {} }: TurnOptions,
  work: (lane: HeldLane, job: TakenJob) => Promise<unknown>,
): Promise<Turn> {
  let jobs = 0;
  let left: JobNeeds | undefined;
  const held = await whileHolding(lineage, laneId, { holder, leaseMs }, async (lane) => {
    const began = performance.now();
    onHeld(1);
    try {
      while (!isOver({ jobs, ms: performance.now() - began }) && !lane.signal.aborted && !draining()) {
        const job = await takeNextJob(lineage, lane.lease, { labels, onLeft: (next) => (left = next) });
        if (job === null) return false;
        jobs++;
        await work(lane, job);
      }
      return !lane.signal.aborted;
    } finally {
      onHeld(-1);
    }
  });
  if (held?.result === true) await dispatch.wake(laneId);
  // Whoever may take it gets its wake-up sooner or later; where nobody may, the reconciler of one who comes finds it.
  else if (left !== undefined && (await canBeTaken(lineage, left)))
    setTimeout(() => void dispatch.wake(laneId), handOnAfterMs(Math.random())).unref();
  return { held: held !== null, jobs };
}
