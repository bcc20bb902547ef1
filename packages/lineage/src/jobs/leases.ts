// Leases: the right to work a lane. The epoch grows with every grant and fences off whoever held it before. Only the database's clock counts.
import { ErrataError, jobFormat, jobKinds } from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import type { Lineage, Tx } from '../database/client.ts';
import { Prisma } from '../generated/client.ts';

export interface Lease {
  readonly lane: string;
  readonly holder: string;
  readonly epoch: number;
}

/** Takes the lane when it is free or its lease has run out, otherwise null. `holder` must be unique to the taker. */
export async function acquireLease(db: Lineage, lane: string, holder: string, ttlMs: number): Promise<Lease | null> {
  await failpoint('lease.before');
  const rows = await db.prisma.$queryRaw<{ epoch: number }[]>`
    UPDATE lanes SET holder = ${holder}, epoch = epoch + 1,
      expires_at = clock_timestamp() + ${ttlMs}::double precision * interval '1 millisecond'
    WHERE id = ${lane} AND (holder IS NULL OR expires_at < clock_timestamp())
    RETURNING epoch`;
  await failpoint('lease.after');
  return rows[0] === undefined ? null : { lane, holder, epoch: rows[0].epoch };
}

/** Prolongs the lease; false when another holder has taken over. A lease that ran out but was not taken is still ours. */
export async function renewLease(db: Lineage, lease: Lease, ttlMs: number): Promise<boolean> {
  const renewed = await db.prisma.$executeRaw`
    UPDATE lanes SET expires_at = clock_timestamp() + ${ttlMs}::double precision * interval '1 millisecond'
    WHERE id = ${lease.lane} AND holder = ${lease.holder} AND epoch = ${lease.epoch}`;
  return renewed === 1;
}

/** Gives the lane back; false when it was no longer held. */
export async function releaseLease(db: Lineage, lease: Lease): Promise<boolean> {
  await failpoint('lease.before_release');
  const released = await db.prisma.$executeRaw`
    UPDATE lanes SET holder = NULL, expires_at = NULL
    WHERE id = ${lease.lane} AND holder = ${lease.holder} AND epoch = ${lease.epoch}`;
  await failpoint('lease.after_release');
  return released === 1;
}

/**
 * Locks the lane's row and checks that the lease has not been superseded: within the transaction nobody can take the lane over.
 * `stale_epoch` otherwise. An expired lease that nobody took still counts.
 */
export async function holdLane(tx: Tx, lease: Lease): Promise<void> {
  const rows = await tx.$queryRaw<{ holder: string | null; epoch: number }[]>`
    SELECT holder, epoch FROM lanes WHERE id = ${lease.lane} FOR NO KEY UPDATE`;
  if (rows[0]?.holder !== lease.holder || rows[0].epoch !== lease.epoch) {
    throw new ErrataError('stale_epoch', `the lease on ${lease.lane} has been superseded`, {
      details: { lane: lease.lane, epoch: lease.epoch, current_epoch: rows[0]?.epoch ?? null },
    });
  }
}

/**
 * Lanes that have a job to run or to pick up again, which a worker with these labels may take, and no live lease: what the reconciler wakes.
 * It goes from lane to lane by the index: behind 100,000 waiting jobs in 1,000 lanes, reading all of them took nine times as long.
 */
export async function lanesNeedingWork(db: Lineage, labels: readonly string[] = []): Promise<readonly string[]> {
  const firstOpen = Prisma.sql`
    SELECT lane_id, kind, format, needs, state, available_at FROM jobs
    WHERE state IN ('queued', 'running', 'evaluating', 'committing')`;
  const rows = await db.prisma.$queryRaw<{ lane_id: string }[]>`
    WITH RECURSIVE next AS (
      (${firstOpen} ORDER BY lane_id, sequence LIMIT 1)
      UNION ALL
      SELECT following.* FROM next CROSS JOIN LATERAL (
        ${firstOpen} AND lane_id > next.lane_id ORDER BY lane_id, sequence LIMIT 1
      ) AS following
    )
    SELECT lane_id FROM next
    JOIN lanes ON lanes.id = next.lane_id
    WHERE (lanes.holder IS NULL OR lanes.expires_at < clock_timestamp())
      AND (next.state <> 'queued' OR next.available_at <= clock_timestamp())
      AND next.kind = ANY(${[...jobKinds]}) AND next.format <= ${jobFormat} AND next.needs <@ ${[...labels]}
    ORDER BY lane_id`;
  return rows.map(({ lane_id }) => lane_id);
}
