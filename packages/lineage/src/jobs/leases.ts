// Leases: the right to work a lane. The epoch grows with every grant and fences off whoever held it before. Only the database's clock counts.
import { ErrataError } from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import type { Lineage, Tx } from '../database/client.ts';
import { countedMs, halfLifeMs } from './turn-order.ts';

export interface Lease {
  readonly lane: string;
  readonly holder: string;
  readonly epoch: number;
}

/** Takes the lane when it is free or its lease has run out, otherwise null. `holder` must be unique to the taker. */
export async function acquireLease(db: Lineage, lane: string, holder: string, ttlMs: number): Promise<Lease | null> {
  await failpoint('lease.before');
  const rows = await db.prisma.$queryRaw<{ epoch: number }[]>`
    UPDATE lanes SET holder = ${holder}, epoch = epoch + 1, changed_at = clock_timestamp(),
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

/**
 * Gives the lane back, and counts the time that was spent at it against whoever asked for its jobs; false when it was no longer held.
 * @param spentMs by API key, null for the service itself
 */
export async function releaseLease(
  db: Lineage,
  lease: Lease,
  spentMs: ReadonlyMap<string | null, number> = new Map(),
): Promise<boolean> {
  await failpoint('lease.before_release');
  // In one order, so that two who count against the same keys do not wait for each other.
  const counted = [...spentMs].map(([key, ms]) => ({ key: key ?? '', ms: countedMs(ms) }));
  const [{ released }] = await db.prisma.$queryRaw<[{ released: boolean }]>`/* prepared */
    WITH given_back AS (
      UPDATE lanes SET holder = NULL, expires_at = NULL, changed_at = clock_timestamp()
      WHERE id = ${lease.lane} AND holder = ${lease.holder} AND epoch = ${lease.epoch}
      RETURNING id
    ), counted AS (
      INSERT INTO worker_time AS known (key, ms, counted_at)
      SELECT key, ms, clock_timestamp() FROM jsonb_to_recordset(${JSON.stringify(counted)}::jsonb) AS given(key text, ms double precision)
      ORDER BY key
      ON CONFLICT (key) DO UPDATE SET counted_at = excluded.counted_at,
        ms = excluded.ms + known.ms * power(2, -extract(epoch FROM excluded.counted_at - known.counted_at)::double precision * 1000 / ${halfLifeMs}::double precision)
    )
    SELECT EXISTS (SELECT 1 FROM given_back) AS released`;
  await failpoint('lease.after_release');
  return released;
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
