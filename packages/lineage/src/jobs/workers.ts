// Workers that are at work: each says so again and again, so that it can be told when none is, and what each is at.
import { ErrataError, type JobKind, type JobState, jobFormat, type WorkerResource } from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import type { Lineage } from '../database/client.ts';

/**
 * Notes that a worker lives, for so many ms from now by the database's clock, and what it has. Forgets those that have long been silent.
 * Answers whether somebody asked it to take no more.
 */
export async function noteWorker(
  db: Lineage,
  name: string,
  forMs: number,
  labels: readonly string[] = [],
): Promise<{ readonly drain: boolean }> {
  const [noted] = await db.prisma.$queryRaw<{ drain: boolean }[]>`
    INSERT INTO workers (name, heard_until, labels, job_format)
    VALUES (${name}, clock_timestamp() + ${forMs}::double precision * interval '1 millisecond', ${[...labels]}, ${jobFormat})
    ON CONFLICT (name) DO UPDATE SET heard_until = excluded.heard_until, labels = excluded.labels, job_format = excluded.job_format
    RETURNING drain`;
  await db.prisma.$executeRaw`DELETE FROM workers WHERE heard_until < clock_timestamp() - interval '1 hour'`;
  return noted!;
}

/** Asks a worker to take no more, and to end when what it is at has ended. It hears of it the next time that it says it lives. `unknown_worker`. */
export async function drainWorker(db: Lineage, name: string): Promise<void> {
  await db.prisma.$transaction(async (tx) => {
    const { count } = await tx.worker.updateMany({
      where: { name, heardUntil: { gt: new Date() } },
      data: { drain: true },
    });
    if (count === 0)
      throw new ErrataError('unknown_worker', `no worker ${JSON.stringify(name)} has been heard of lately`);
    await noteAct(tx, { act: 'worker.drained', subject: name });
  });
}

/** Whether a worker lives that could take a job, and takes any. */
export async function canBeTaken(db: Lineage, { needs, format }: JobNeeds): Promise<boolean> {
  const [row] = await db.prisma.$queryRaw<{ any: boolean }[]>`
    SELECT EXISTS (SELECT 1 FROM workers WHERE heard_until > clock_timestamp() AND NOT drain
      AND job_format >= ${format} AND labels @> ${[...needs]}) AS any`;
  return row!.any;
}

/**
 * Whether it is this worker's turn at what one of all that are alike does in every period: by the database's clock, in the order of their
 * names. Always for one that has not been heard of.
 */
export async function isTurnOf(
  db: Lineage,
  name: string,
  { labels, everyMs }: { readonly labels: readonly string[]; readonly everyMs: number },
): Promise<boolean> {
  const [row] = await db.prisma.$queryRaw<{ known: boolean | null; due: boolean | null }[]>`
    SELECT bool_or(name = ${name}) AS known,
      floor(extract(epoch FROM clock_timestamp()) * 1000 / ${everyMs}::integer)::bigint % nullif(count(*), 0)
        = count(*) FILTER (WHERE name < ${name}) AS due
    FROM workers
    WHERE heard_until > clock_timestamp() AND NOT drain AND job_format = ${jobFormat}
      AND labels @> ${[...labels]} AND labels <@ ${[...labels]}`;
  return row?.known !== true || row.due === true;
}

/** What a job asks of a worker. */
export interface JobNeeds {
  readonly needs: readonly string[];
  readonly format: number;
}

/** A worker that ends says so. */
export async function forgetWorker(db: Lineage, name: string): Promise<void> {
  await db.prisma.$executeRaw`DELETE FROM workers WHERE name = ${name}`;
}

/** How many workers have been heard of so recently that they must be taken to live, and take jobs. */
export async function countWorkers(db: Lineage): Promise<number> {
  const rows = await db.prisma.$queryRaw<{ count: bigint }[]>`
    SELECT count(*) FROM workers WHERE heard_until > clock_timestamp() AND NOT drain`;
  return Number(rows[0]?.count ?? 0);
}

interface WorkRow {
  readonly name: string;
  readonly heard_until: Date;
  readonly labels: string[];
  readonly draining: boolean;
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
    SELECT workers.name, workers.heard_until, workers.labels, workers.drain AS draining, jobs.id AS job_id, jobs.kind, jobs.state, jobs.lane_id AS lane,
      jobs.model_id, branches.name AS branch, jobs.attempts, jobs.started_at
    FROM workers
    LEFT JOIN lanes ON lanes.holder = workers.name AND lanes.expires_at > clock_timestamp()
    LEFT JOIN jobs ON jobs.lane_id = lanes.id AND jobs.state IN ('running', 'evaluating', 'committing')
    LEFT JOIN branches ON branches.id = jobs.branch_id
    WHERE workers.heard_until > clock_timestamp()
    ORDER BY workers.name, jobs.started_at`;
  const workers = new Map<string, WorkerResource>();
  for (const { name, heard_until, labels, draining, job_id, started_at, ...rest } of rows) {
    const known = workers.get(name)?.work ?? [];
    const work = job_id === null ? [] : [{ ...rest, job_id, started_at: started_at?.toISOString() ?? null }];
    const worker = { name, object: 'worker' as const, heard_until: heard_until.toISOString(), labels, draining };
    workers.set(name, { ...worker, work: [...known, ...work] });
  }
  return [...workers.values()];
}
