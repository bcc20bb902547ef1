// Workers that are at work: each says so again and again, so that it can be told when none is, and what each is at.
import type { JobKind, JobState, WorkerResource } from '@errata/contracts';
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

interface WorkRow {
  readonly name: string;
  readonly heard_until: Date;
  readonly job_id: string | null;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly lane: string;
  readonly model_id: string | null;
  readonly branch: string | null;
  readonly attempts: number;
  readonly started_at: Date | null;
}

/** The workers that must be taken to live, by name, each with the jobs of the lanes that it holds. */
export async function listWorkers(db: Lineage): Promise<readonly WorkerResource[]> {
  const rows = await db.prisma.$queryRaw<WorkRow[]>`
    SELECT workers.name, workers.heard_until, jobs.id AS job_id, jobs.kind, jobs.state, jobs.lane_id AS lane,
      jobs.model_id, branches.name AS branch, jobs.attempts, jobs.started_at
    FROM workers
    LEFT JOIN lanes ON lanes.holder = workers.name AND lanes.expires_at > clock_timestamp()
    LEFT JOIN jobs ON jobs.lane_id = lanes.id AND jobs.state IN ('running', 'evaluating', 'committing')
    LEFT JOIN branches ON branches.id = jobs.branch_id
    WHERE workers.heard_until > clock_timestamp()
    ORDER BY workers.name, jobs.started_at`;
  const workers = new Map<string, WorkerResource>();
  for (const { name, heard_until, job_id, started_at, ...rest } of rows) {
    const known = workers.get(name)?.work ?? [];
    const work = job_id === null ? [] : [{ ...rest, job_id, started_at: started_at?.toISOString() ?? null }];
    workers.set(name, { name, object: 'worker', heard_until: heard_until.toISOString(), work: [...known, ...work] });
  }
  return [...workers.values()];
}
