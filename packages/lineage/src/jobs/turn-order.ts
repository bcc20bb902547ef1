// Whose turn at the workers is next: that of the key which has had least of their time lately, and of its lanes the one that has waited longest.

/** What counts of worker time after so long is half of it. */
export const halfLifeMs = 600_000;

/** What counts of worker time when it is so long ago; all in ms. */
export const fadedMs = (spentMs: number, agoMs: number): number => spentMs * 2 ** (-Math.max(0, agoMs) / halfLifeMs);

/** What counts of the time that one worker has spent without a break until now, in ms: its beginning has faded, so never more than 14.4 minutes. */
export const countedMs = (spentMs: number): number => (halfLifeMs / Math.LN2) * (1 - 2 ** (-spentMs / halfLifeMs));

/** A lane that waits for its turn. */
export interface Waiting {
  /** Who asked for its next job: the id of an API key; null for the service itself. */
  readonly key: string | null;
  readonly waitedMs: number;
}

/**
 * Orders lanes by their turns. Keys get alike while they have enough to do, however many lanes they have, and the lanes of a key get alike too;
 * none starves, since what counts against a key fades while it gets nothing.
 * @param hadMs what counts of the worker time that each key has had
 */
export const byTurn =
  (hadMs: ReadonlyMap<string | null, number>) =>
  (one: Waiting, other: Waiting): number =>
    (hadMs.get(one.key) ?? 0) - (hadMs.get(other.key) ?? 0) || other.waitedMs - one.waitedMs;
