// How a service is, in numbers: what a person who was not there needs first. No text of any edit, prompt or name is in it.
import type { JobKind, JobState, Vitals } from '@errata/contracts';
import type { Lineage } from '../database/client.ts';
import { readMigrations } from '../database/migrate.ts';
import { countWorkers } from '../jobs/workers.ts';

const failuresTold = 20;
const tablesTold = 12;

export async function readVitals(db: Lineage): Promise<Vitals> {
  const { prisma } = db;
  const [[server], migrations, ours, workers, jobs, [oldest], failures, rows] = await Promise.all([
    prisma.$queryRaw<{ version: string; bytes: bigint }[]>`
      SELECT version(), pg_database_size(current_database()) AS bytes`,
    prisma.$queryRaw<{ name: string }[]>`SELECT name FROM _migrations ORDER BY position`,
    readMigrations(),
    countWorkers(db),
    prisma.$queryRaw<{ kind: JobKind; state: JobState; count: bigint }[]>`
      SELECT kind, state, count(*) FROM jobs GROUP BY kind, state ORDER BY kind, state`,
    prisma.$queryRaw<{ seconds: number | null }[]>`
      SELECT extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS seconds FROM jobs WHERE state = 'queued'`,
    prisma.$queryRaw<{ id: string; kind: JobKind; code: string | null; attempts: number; finished_at: Date | null }[]>`
      SELECT id, kind, error->>'code' AS code, attempts, finished_at FROM jobs WHERE state = 'failed'
      ORDER BY finished_at DESC NULLS LAST LIMIT ${failuresTold}`,
    prisma.$queryRaw<{ name: string; rows: number }[]>`
      SELECT relname AS name, n_live_tup::float8 AS rows FROM pg_stat_user_tables WHERE schemaname = 'public'
      ORDER BY n_live_tup DESC, relname LIMIT ${tablesTold}`,
  ]);
  return {
    server: server!.version,
    bytes: Number(server!.bytes),
    migrations: { applied: migrations.length, of_this_build: ours.length, last: migrations.at(-1)?.name ?? null },
    workers,
    jobs: jobs.map(({ count, ...job }) => ({ ...job, count: Number(count) })),
    oldest_queued_seconds: oldest?.seconds ?? null,
    failures: failures.map(({ id, finished_at, ...job }) => ({
      job: id,
      ...job,
      at: finished_at?.toISOString() ?? null,
    })),
    rows: Object.fromEntries(rows.map(({ name, rows: count }) => [name, count])),
  };
}
