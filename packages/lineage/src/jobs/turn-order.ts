// Whose turn at the workers is next: that of the key which has had least of their time lately, and of its lanes the most urgent, or the one that has waited longest.
import { type Priority, priorities } from '@errata/contracts';

/** What counts of worker time after so long is half of it. */
export const halfLifeMs = 600_000;

/** What counts of worker time when it is so long ago; all in ms. */
export const fadedMs = (spentMs: number, agoMs: number): number => spentMs * 2 ** (-Math.max(0, agoMs) / halfLifeMs);

/** What counts of the time that one worker has spent without a break until now, in ms: its beginning has faded, so never more than 14.4 minutes. */
export const countedMs = (spentMs: number): number => (halfLifeMs / Math.LN2) * (1 - 2 ** (-spentMs / halfLifeMs));

/** A lane that has waited so long counts as of the next higher priority, so that what is urgent never keeps the rest waiting for good. */
export const raisedAfterMs = 1_800_000;

/** Priorities as numbers, as rows have them: -1, 0 and 1. */
export const rankOf = (priority: Priority): number => priorities.indexOf(priority) - 1;
export const priorityOf = (rank: number): Priority => priorities[rank + 1]!;

/** A lane that waits for its turn. */
export interface Waiting {
  /** Who asked for its next job: the id of an API key; null for the service itself. */
  readonly key: string | null;
  /** The highest of its jobs: those before the urgent one are in its way. */
  readonly priority: Priority;
  readonly waitedMs: number;
}

/**
 * Orders lanes by their turns. What is low comes behind everybody else's. Keys get alike while they have enough to do, however many lanes they
 * have and whatever priority they claim; of the lanes of one key the higher priority comes first, and then who has waited longest. None starves:
 * what counts against a key fades while it gets nothing, and after twice {@link raisedAfterMs} only lanes of its key that have waited longer go before.
 * @param hadMs what counts of the worker time that each key has had
 */
export const byTurn =
  (hadMs: ReadonlyMap<string | null, number>) =>
  (one: Waiting, other: Waiting): number => {
    const [rank, otherRank] = [raisedRank(one), raisedRank(other)];
    return (
      Math.min(0, otherRank) - Math.min(0, rank) ||
      (hadMs.get(one.key) ?? 0) - (hadMs.get(other.key) ?? 0) ||
      otherRank - rank ||
      other.waitedMs - one.waitedMs
    );
  };

const raisedRank = ({ priority, waitedMs }: Waiting): number =>
  Math.min(1, rankOf(priority) + Math.floor(waitedMs / raisedAfterMs));
