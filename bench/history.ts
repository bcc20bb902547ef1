// Long histories for benchmarks, with made-up deltas, in a database of their own.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nextVersionId, sha256 } from '@errata/contracts';
import {
  type Contribution,
  checkBranch,
  type Lineage,
  migrate,
  openLineage,
  readChain,
  recordSnapshot,
  tipOfVersion,
  writeChain,
} from '@errata/lineage';
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

/** An edit that was committed, and the version that it led to. */
export interface MadeEdit {
  readonly version: string;
  readonly edit: string;
}

/**
 * Goes on with a branch by copies of its last edit: the rows that a commit leaves, each with ids, a delta, a version and a place of its
 * own. What came of it is checked as any branch is. Committing ten thousand edits takes many minutes; this takes seconds.
 */
export async function copyLastEdit(
  db: Lineage,
  { model, digest, branch, lane }: MadeBranch,
  count: number,
): Promise<MadeEdit[]> {
  const made = await db.prisma.$transaction(async (tx) => {
    const rowsOf = (table: string, where: string, ...values: readonly unknown[]) =>
      tx.$queryRawUnsafe<{ row: Row }[]>(`SELECT to_jsonb(t) AS row FROM ${table} t WHERE ${where}`, ...values);
    const [move] = await rowsOf('branch_moves', 'branch_id = $1 ORDER BY sequence DESC LIMIT 1', branch);
    const {
      job_id: job,
      to_version_id: head,
      tip_id: tip,
      from_version_id: before,
    } = move!.row as Record<string, string>;
    const [link] = await readChain(tx, tip!, null, 1);
    const [last] = link!.edit_ids;
    const copied = {
      jobs: await rowsOf('jobs', 'id = $1', job),
      edits: await rowsOf('edits', 'job_id = $1', job),
      versions: await rowsOf('versions', 'model_id = $1 AND id = $2', model, head),
      branch_moves: [move!],
      events: await rowsOf('events', 'job_id = $1 ORDER BY id', job),
    };
    const [{ event }] = (await tx.$queryRaw`SELECT max(id)::integer AS event FROM events`) as [{ event: number }];

    const copies: { names: Map<string, string>; added: Contribution; version: string }[] = [];
    for (let n = 1, from = head!; n <= count; n++) {
      const delta = { ...link!.deltas[0]!, blob: sha256(`copy ${n} in ${branch}`) };
      const [copiedJob, copiedEdit] = [numbered(job!, n), numbered(last!, n)];
      const version = nextVersionId(from, delta);
      const names = new Map([
        [job!, copiedJob],
        [last!, copiedEdit],
        [before!, from],
        [head!, version],
      ]);
      const added = { job_id: copiedJob, edit_ids: [copiedEdit], deltas: [delta], bytes: link!.bytes };
      copies.push({ names, added, version });
      from = version;
    }
    const copy = async (table: keyof typeof copied, own: (n: number, row: Row, place: number) => Row) => {
      const rows = copies.flatMap(({ names }, index) =>
        copied[table].map(({ row }, place) => ({
          ...renamed(row, names),
          ...own(index + 1, row, place),
        })),
      );
      await tx.$executeRawUnsafe(
        `INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`,
        JSON.stringify(rows),
      );
    };
    const later = (n: number, { sequence }: Row) => ({ sequence: (sequence as number) + n });
    await copy('jobs', later);
    await copy('edits', () => ({}));
    const added = copies.map((each) => each.added);
    const written = await writeChain(tx, { id: model, digest }, { after: tip!, added });
    const links = await readChain(tx, written.tip, tip!);
    const bytes = link!.bytes;
    await copy('versions', (n, row) => ({
      tip_id: links[n - 1]!.id,
      delta_bytes: (row.delta_bytes as number) + n * bytes,
      created_at: new Date(Date.parse(row.created_at as string) + n).toISOString(),
    }));
    await copy('branch_moves', (n, row) => ({ ...later(n, row), tip_id: links[n - 1]!.id }));
    const perCopy = copied.events.length;
    await copy('events', (n, _, place) => ({ id: event + (n - 1) * perCopy + place + 1 }));
    await tx.$executeRaw`SELECT setval('events_id_seq', ${event + count * perCopy})`;
    await tx.branch.update({ where: { id: branch }, data: { headVersionId: written.version, tipId: written.tip } });
    await tx.$executeRaw`UPDATE lanes SET next_sequence = next_sequence + ${count} WHERE id = ${lane}`;
    return copies.map(({ version, added: { edit_ids } }) => ({ version, edit: edit_ids[0]! }));
  });
  await checkBranch(db, branch);
  return made;
}

type Row = Readonly<Record<string, unknown>>;

/** An id as long as the others, which no clock gives. */
const numbered = (id: string, n: number) => id.slice(0, -8) + String(n).padStart(8, '0');

/** A row with every id in it, however deep, in place of another. */
const renamed = (row: Row, names: ReadonlyMap<string, string>): Row =>
  JSON.parse(JSON.stringify(row), (_, value) => names.get(value) ?? value);

/** Notes a version as stored whole, in a blob that nobody reads. */
export async function noteSnapshot(db: Lineage, { model }: MadeBranch, version: string): Promise<void> {
  const tip = await tipOfVersion(db, model, version);
  const measured = { bytes: 9_437_184, replay_ms: 0, load_ms: 0 };
  await recordSnapshot(db, { model_id: model, tip: tip!, version, blob: sha256(version), ...measured });
}
