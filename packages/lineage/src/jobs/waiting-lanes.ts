// The lanes that have something to do and that nobody is at, in the order of their turns: what a worker chooses from, and what the reconciler wakes.
import type { Lineage } from '../database/client.ts';
import { Prisma } from '../generated/client.ts';
import { byTurn, countedMs, fadedMs, priorityOf, type Waiting } from './turn-order.ts';
import type { JobNeeds } from './workers.ts';

export interface WaitingLane extends Waiting, JobNeeds {
  readonly lane: string;
  /** Of its next job. */
  readonly kind: string;
}

interface LaneRow extends JobNeeds {
  readonly lane: string;
  readonly kind: string;
  readonly key: string | null;
  readonly rank: number;
  /** Somebody is at it; otherwise it waits. */
  readonly held: boolean;
  /** Since when, in ms before now. */
  readonly for_ms: number;
  /** Worker time of the key as it was counted last, and how long ago. */
  readonly had_ms: number | null;
  readonly counted_ago_ms: number | null;
}

/**
 * Lanes with a job to run or to pick up again, and without a live lease. Their first open job speaks for each: what it needs, and whose it is. The
 * priority is the highest of them all.
 * It goes from lane to lane by the index: behind 100,000 waiting jobs in 1,000 lanes, reading all of them took nine times as long.
 */
export async function waitingLanes(db: Lineage): Promise<readonly WaitingLane[]> {
  const open = Prisma.sql`state IN ('queued', 'running', 'evaluating', 'committing')`;
  const firstOpen = Prisma.sql`SELECT lane_id, kind, format, needs, state, available_at, created_by FROM jobs WHERE ${open}`;
  const rows = await db.prisma.$queryRaw<LaneRow[]>`/* prepared */
    WITH RECURSIVE next AS (
      (${firstOpen} ORDER BY lane_id, sequence LIMIT 1)
      UNION ALL
      SELECT following.* FROM next CROSS JOIN LATERAL (
        ${firstOpen} AND lane_id > next.lane_id ORDER BY lane_id, sequence LIMIT 1
      ) AS following
    ), seen AS (
      SELECT next.*, changed_at, holder IS NOT NULL AND expires_at >= clock_timestamp() AS held FROM next JOIN lanes ON lanes.id = lane_id
    )
    SELECT lane_id AS lane, kind, format, needs, seen.created_by AS key, held,
      (SELECT max(priority) FROM jobs WHERE lane_id = seen.lane_id AND ${open})::integer AS rank,
      extract(epoch FROM clock_timestamp() - CASE WHEN held THEN changed_at ELSE greatest(changed_at, available_at) END)::double precision * 1000
        AS for_ms,
      worker_time.ms AS had_ms, extract(epoch FROM clock_timestamp() - counted_at)::double precision * 1000 AS counted_ago_ms
    FROM seen LEFT JOIN worker_time ON worker_time.key = coalesce(seen.created_by, '')
    WHERE held OR state <> 'queued' OR available_at <= clock_timestamp()`;
  const hadMs = new Map<string | null, number>();
  for (const { key, had_ms, counted_ago_ms } of rows)
    if (had_ms !== null && !hadMs.has(key)) hadMs.set(key, fadedMs(had_ms, counted_ago_ms!));
  // What is being worked at now is counted when its lane is given back.
  for (const { key, held, for_ms } of rows) if (held) hadMs.set(key, (hadMs.get(key) ?? 0) + countedMs(for_ms));
  return rows
    .filter(({ held }) => !held)
    .map(({ lane, kind, format, needs, key, rank, for_ms }) => {
      const waiting = { key, priority: priorityOf(rank), waitedMs: for_ms };
      return { lane, kind, format, needs, ...waiting };
    })
    .sort(byTurn(hadMs));
}
