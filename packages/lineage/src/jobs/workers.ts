// Workers that are at work: each says so again and again, so that it can be told when none is.
import type { Lineage } from '../database/client.ts';

/** Notes that a worker lives, for so many ms from now by the database's clock. Forgets those that have long been silent. */
export async function noteWorker(db: Lineage, name: string, forMs: number): Promise<void> {
  await db.prisma.$executeRaw`
    INSERT INTO workers (name, heard_until)
    VALUES (${name}, clock_timestamp() + ${forMs}::double precision * interval '1 millisecond')
    ON CONFLICT (name) DO UPDATE SET heard_until = excluded.heard_until`;
  await db.prisma.$executeRaw`DELETE FROM workers WHERE heard_until < clock_timestamp() - interval '1 hour'`;
}

/** A worker that ends says so. */
export async function forgetWorker(db: Lineage, name: string): Promise<void> {
  await db.prisma.$executeRaw`DELETE FROM workers WHERE name = ${name}`;
}

/** How many workers have been heard of so recently that they must be taken to live. */
export async function countWorkers(db: Lineage): Promise<number> {
  const rows = await db.prisma.$queryRaw<{ count: bigint }[]>`
    SELECT count(*) FROM workers WHERE heard_until > clock_timestamp()`;
  return Number(rows[0]?.count ?? 0);
}
