// Holding a lane: takes its lease, renews it while work goes on, and breaks the work off when it is lost.
import { acquireLease, type Lease, type Lineage, releaseLease, renewLease } from '@errata/lineage';
import { Interruption } from '../attempts/failed-attempt.ts';

export interface HeldLane {
  readonly lease: Lease;
  /** Aborts with an {@link Interruption} of kind `let_go` once the lease is, or must be taken for, lost. */
  readonly signal: AbortSignal;
  /** Notes time that was spent for an API key, null for the service itself: it is counted when the lane is given back. */
  spent(key: string | null, ms: number): void;
}

export interface HoldOptions {
  readonly holder: string;
  readonly leaseMs: number;
}

/**
 * Runs `work` while holding the lane, and gives the lane back. Null, without having run anything, when somebody else holds it.
 * The lease counts as lost when the database says so, or when it could not be renewed for as long as it lasts.
 */
export async function whileHolding<T>(
  lineage: Lineage,
  laneId: string,
  { holder, leaseMs }: HoldOptions,
  work: (held: HeldLane) => Promise<T>,
): Promise<{ readonly result: T } | null> {
  const asked = performance.now();
  const lease = await acquireLease(lineage, laneId, holder, leaseMs);
  if (lease === null) return null;
  const lost = new AbortController();
  const spentMs = new Map<string | null, number>();
  const spent = (key: string | null, ms: number) => void spentMs.set(key, (spentMs.get(key) ?? 0) + ms);
  const stopRenewing = keepRenewing(lineage, lease, leaseMs, asked, lost);
  try {
    return { result: await work({ lease, signal: lost.signal, spent }) };
  } finally {
    await stopRenewing();
    // Failing to give it back costs the next worker a wait for its end.
    await releaseLease(lineage, lease, spentMs).catch(() => false);
  }
}

function keepRenewing(lineage: Lineage, lease: Lease, leaseMs: number, asked: number, lost: AbortController) {
  // Local times from before each request: what the database granted ends no sooner than that long after.
  let good = asked;
  let pending: { readonly since: number; readonly done: Promise<void> } | undefined;
  const giveUp = (message: string) => {
    clearInterval(timer);
    lost.abort(new Interruption('let_go', message));
  };
  const giveUpIfOver = (since: number) => {
    if (performance.now() - since > leaseMs) giveUp(`the lease on ${lease.lane} could not be renewed in time`);
  };
  const renew = async (since: number) => {
    try {
      // Also when we are late: a lease that ran out but that nobody took is ours still.
      if (await renewLease(lineage, lease, leaseMs)) good = since;
      else giveUp(`the lease on ${lease.lane} was taken over`);
    } catch {
      giveUpIfOver(good); // the database is away; it may be back in time
    } finally {
      pending = undefined;
    }
  };
  const timer = setInterval(() => {
    if (pending !== undefined) return giveUpIfOver(pending.since);
    const since = performance.now();
    pending = { since, done: renew(since) };
  }, leaseMs / 3);
  return async () => {
    clearInterval(timer);
    await pending?.done;
  };
}
