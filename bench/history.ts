// A long history for benchmarks: a branch whose every version was committed as a worker commits it, with made-up deltas.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256, versionId } from '@errata/contracts';
import { groundAt, type Lineage, migrate, openLineage, recordSnapshot } from '@errata/lineage';
import { startPostgres } from '@errata/local-services';
import type { MadeBranch } from '../test/support/history.ts';

export interface BenchDatabase {
  readonly db: Lineage;
  query<T>(sql: string): Promise<T[]>;
  close(): Promise<void>;
}

/** A private database. It does not wait for the disk: what is measured is the work, and every figure has its peer in the same run. */
export async function openBenchDatabase(): Promise<BenchDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-'));
  await chmod(folder, 0o755); // PostgreSQL may have to run as another user
  const server = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
  await migrate(server.url);
  const db = await openLineage(server.url);
  return {
    db,
    query: (sql) => db.prisma.$queryRawUnsafe(sql),
    close: async () => {
      await db.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Notes the head as stored whole, in a blob that nobody reads. */
export async function noteSnapshot(db: Lineage, { model, digest, branch }: MadeBranch): Promise<void> {
  const { tipId } = await db.prisma.branch.findUniqueOrThrow({ where: { id: branch } });
  const version = versionId((await groundAt(db, digest, tipId)).source);
  const measured = { bytes: 9_437_184, replay_ms: 0, load_ms: 0 };
  await recordSnapshot(db, { model_id: model, tip: tipId!, version, blob: sha256(version), ...measured });
}
