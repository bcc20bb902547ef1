// A worker's turn: at the lane that is next, its jobs one after another, until none is left that it may take, or others are to have their turn.
import {
  canBeTaken,
  type JobNeeds,
  type Lineage,
  mayTake,
  type TakenJob,
  takeNextJob,
  waitingLanes,
} from '@errata/lineage';
import type { Dispatch } from '@errata/queue';
import { type HeldLane, whileHolding } from './held-lane.ts';

/** What has been done at a turn so far. */
export interface TurnSoFar {
  readonly jobs: number;
  readonly ms: number;
}

const turnMs = 10_000;

/** Whether others are to have their turn, so that a long lane does not starve them: by time, as a job may have a thousand edits. */
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
  /** Lanes that are left to others for now. */
  readonly declines?: (lane: string) => boolean;
  /** Told of a turn that broke off. Unless the lane is declined for a while, it is the next again. */
  readonly onFailure: (lane: string, error: unknown) => void;
  /** {@link turnIsOver} unless given. */
  readonly isOver?: (soFar: TurnSoFar) => boolean;
  /** Told when a lane is taken and when it is given back. */
  readonly onHeld?: (change: 1 | -1) => void;
}

type Parts = { readonly lineage: Lineage; readonly dispatch: Pick<Dispatch, 'wake'> };

export interface Turn {
  readonly lane: string;
  readonly jobs: number;
}

/**
 * Answers a wake-up: takes turns for as long as a lane waits that this worker may take, whichever lane it was woken for, since whoever goes
 * idle has found none. Where the next job of that lane is not for this worker, the lane is woken again after a pause, if there is one whom it is for.
 * @param onTurn told of each turn when it has ended
 */
export async function takeTurns(
  parts: Parts,
  wokenFor: string,
  options: TurnOptions,
  work: (lane: HeldLane, job: TakenJob) => Promise<unknown>,
  onTurn: (turn: Turn) => Promise<void> = async () => {},
): Promise<void> {
  const { labels, draining, declines = () => false, onFailure } = options;
  for (let looks = 1; !draining(); looks++) {
    const waiting = await waitingLanes(parts.lineage);
    const woken = waiting.find(({ lane }) => looks === 1 && lane === wokenFor);
    if (woken !== undefined && !mayTake(labels, woken)) await handOn(parts, wokenFor, woken);
    let took = false;
    for (const { lane } of waiting.filter((each) => mayTake(labels, each) && !declines(each.lane))) {
      try {
        const turn = await takeTurn(parts, lane, options, work);
        if (turn === null) continue; // another worker was faster
        await onTurn(turn);
      } catch (error) {
        onFailure(lane, error);
      }
      took = true;
      break;
    }
    if (!took) return;
  }
}

/** Holds the lane and hands its jobs to `work`. Null when somebody else holds it; `stale_epoch` when it was taken over. */
async function takeTurn(
  parts: Parts,
  lane: string,
  { holder, leaseMs, labels, draining, isOver = turnIsOver, onHeld = () => {} }: TurnOptions,
  work: (lane: HeldLane, job: TakenJob) => Promise<unknown>,
): Promise<Turn | null> {
  const { lineage, dispatch } = parts;
  let jobs = 0;
  let left: JobNeeds | undefined;
  const held = await whileHolding(lineage, lane, { holder, leaseMs }, async (heldLane) => {
    const began = performance.now();
    onHeld(1);
    try {
      while (!isOver({ jobs, ms: performance.now() - began }) && !heldLane.signal.aborted && !draining()) {
        const job = await takeNextJob(lineage, heldLane.lease, { labels, onLeft: (next) => (left = next) });
        if (job === null) break;
        jobs++;
        const taken = performance.now();
        await work(heldLane, job).finally(() => heldLane.spent(job.created_by, performance.now() - taken));
      }
    } finally {
      onHeld(-1);
    }
  });
  if (held === null) return null;
  if (left !== undefined) await handOn(parts, lane, left);
  // It looks for no further turn: somebody else is to.
  else if (draining()) await dispatch.wake(lane);
  return { lane, jobs };
}

/** Whoever may take it gets its wake-up sooner or later; where nobody may, the reconciler of one who comes finds it. */
async function handOn({ lineage, dispatch }: Parts, lane: string, next: JobNeeds): Promise<void> {
  if (await canBeTaken(lineage, next)) setTimeout(() => void dispatch.wake(lane), handOnAfterMs(Math.random())).unref();
}
