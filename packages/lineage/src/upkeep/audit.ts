// The audit: whether everything in the database holds together, rule by rule, in pages, reading each row a fixed number of times.
import {
  type AuditPlace,
  auditFault,
  nextVersionId,
  type ProblemFinding,
  type ProblemKind,
  rootVersionId,
} from '@errata/contracts';
import { listAudit } from '../audit/entries.ts';
import type { Lineage } from '../database/client.ts';
import { deltaListSchema, deltasOf } from '../history/contributions.ts';
import { readCandidate } from '../policies/candidates.ts';

/** A problem, or how many of something were looked at. */
export type AuditStep =
  | { readonly problem: ProblemFinding }
  | {
      readonly checked:
        | 'contributions'
        | 'versions'
        | 'branches'
        | 'moves'
        | 'aliases'
        | 'tags'
        | 'snapshots'
        | 'jobs'
        | 'audit_entries';
      readonly count: number;
    };

const rowsAtOnce = 1000;

const broken = (kind: ProblemKind, where: string, what: string): AuditStep => ({ problem: { kind, where, what } });

/** Looks at everything but blobs. It takes no lock: what is written meanwhile is either seen whole or not. */
export async function* auditLineage(db: Lineage): AsyncGenerator<AuditStep> {
  const roots = await rootsOf(db);
  yield* auditChains(db, roots);
  yield* auditVersions(db, roots);
  yield* auditMoves(db, roots);
  yield* auditAliases(db);
  yield* auditTags(db, roots);
  yield* auditSnapshots(db);
  yield* auditCandidates(db, roots);
  yield* auditArtefacts(db);
  yield* auditJobs(db);
  yield* auditEntries(db);
  yield* auditUsage(db);
}

type Roots = ReadonlyMap<string, string>;

async function rootsOf(db: Lineage): Promise<Roots> {
  const models = await db.prisma.model.findMany({ select: { id: true, digest: true } });
  return new Map(models.map(({ id, digest }) => [id, rootVersionId(digest)]));
}

/** Every link: its depth, its bytes, the version it ends at, where it jumps to. */
async function* auditChains(db: Lineage, roots: Roots): AsyncGenerator<AuditStep> {
  interface Row {
    readonly id: string;
    readonly model_id: string;
    readonly depth: number;
    readonly deltas: unknown;
    readonly bytes: bigint;
    readonly total_bytes: bigint;
    readonly version_id: string;
    readonly jump_id: string | null;
    readonly previous: {
      readonly id: string;
      readonly model_id: string;
      readonly depth: number;
      readonly total_bytes: number;
      readonly version_id: string;
    } | null;
    readonly expected_jump: string | null;
  }
  for (let after = ''; ; ) {
    const rows = await db.prisma.$queryRaw<Row[]>`
      SELECT c.id, c.model_id, c.depth, c.deltas, c.bytes, c.total_bytes, c.version_id, c.jump_id,
        CASE WHEN p.id IS NOT NULL THEN jsonb_build_object('id', p.id, 'model_id', p.model_id, 'depth', p.depth,
          'total_bytes', p.total_bytes, 'version_id', p.version_id) END AS previous,
        CASE WHEN coalesce(p.depth, 0) - coalesce(far.depth, 0) = coalesce(far.depth, 0) - coalesce(further.depth, 0)
          THEN far.jump_id ELSE p.id END AS expected_jump
      FROM contributions c LEFT JOIN contributions p ON p.id = c.previous_id
        LEFT JOIN contributions far ON far.id = p.jump_id LEFT JOIN contributions further ON further.id = far.jump_id
      WHERE c.id > ${after} ORDER BY c.id LIMIT ${rowsAtOnce}`;
    for (const { id, model_id, previous, ...row } of rows) {
      const fault = (what: string) => broken('chain_broken', id, what);
      if (row.depth !== (previous?.depth ?? 0) + 1)
        yield fault(`its depth is ${row.depth}, behind ${previous?.depth ?? 0}`);
      if (previous !== null && previous.model_id !== model_id)
        yield fault(`it follows ${previous.id} of another model`);
      if (Number(row.total_bytes) !== (previous?.total_bytes ?? 0) + Number(row.bytes))
        yield fault(`${row.total_bytes} bytes in all, though it adds ${row.bytes} to ${previous?.total_bytes ?? 0}`);
      const before = previous?.version_id ?? roots.get(model_id)!;
      const found = deltaListSchema.parse(row.deltas).reduce(nextVersionId, before);
      if (found !== row.version_id) yield fault(`its deltas end at ${found}, it says ${row.version_id}`);
      if (row.jump_id !== row.expected_jump) yield fault(`it jumps to ${row.jump_id}, not to ${row.expected_jump}`);
    }
    yield { checked: 'contributions', count: rows.length };
    if (rows.length < rowsAtOnce) return;
    after = rows.at(-1)!.id;
  }
}

async function* auditVersions(db: Lineage, roots: Roots): AsyncGenerator<AuditStep> {
  for (let after: { model: string; id: string } = { model: '', id: '' }; ; ) {
    const rows = await db.prisma.$queryRaw<
      { id: string; model_id: string; delta_bytes: bigint; tip: string | null; total_bytes: bigint | null }[]
    >`
      SELECT v.id, v.model_id, v.delta_bytes, c.version_id AS tip, c.total_bytes
      FROM versions v LEFT JOIN contributions c ON c.id = v.tip_id
      WHERE (v.model_id, v.id) > (${after.model}, ${after.id}) ORDER BY v.model_id, v.id LIMIT ${rowsAtOnce}`;
    for (const { id, model_id, delta_bytes, tip, total_bytes } of rows) {
      const expected = tip ?? roots.get(model_id);
      if (id !== expected) yield broken('version_broken', id, `its chain ends at ${expected}`);
      if (delta_bytes !== (total_bytes ?? 0n))
        yield broken('version_broken', id, `${delta_bytes} bytes, though its chain has ${total_bytes ?? 0}`);
    }
    yield { checked: 'versions', count: rows.length };
    const last = rows.at(-1);
    if (last === undefined || rows.length < rowsAtOnce) return;
    after = { model: last.model_id, id: last.id };
  }
}

/** Branch by branch: numbers without gaps, each move from where the one before ended, each version that of its chain, the head at the end. */
async function* auditMoves(db: Lineage, roots: Roots): AsyncGenerator<AuditStep> {
  const branches = await db.prisma.branch.findMany({ orderBy: { id: 'asc' } });
  for (const { id, modelId, headVersionId, tipId } of branches) {
    let last = { sequence: 0, to: null as string | null, tip: null as string | null };
    for (;;) {
      const rows = await db.prisma.branchMove.findMany({
        where: { branchId: id, sequence: { gt: last.sequence } },
        orderBy: { sequence: 'asc' },
        take: rowsAtOnce,
        include: { tip: { select: { versionId: true } } },
      });
      for (const { sequence, fromVersionId, toVersionId, tip, tipId: end } of rows) {
        const fault = (what: string) => broken('history_broken', id, `move ${sequence} ${what}`);
        if (sequence !== last.sequence + 1) yield fault(`follows move ${last.sequence}`);
        if (fromVersionId !== last.to) yield fault(`starts at ${fromVersionId}, not at ${last.to}`);
        const stored = tip?.versionId ?? roots.get(modelId);
        if (toVersionId !== stored) yield fault(`leads to ${toVersionId}, but its chain is ${stored}`);
        last = { sequence, to: toVersionId, tip: end };
      }
      yield { checked: 'moves', count: rows.length };
      if (rows.length < rowsAtOnce) break;
    }
    if (last.sequence === 0) yield broken('history_broken', id, 'it has no moves');
    else if (headVersionId !== last.to || tipId !== last.tip)
      yield broken('history_broken', id, `its head is at ${headVersionId}, its last move went to ${last.to}`);
  }
  yield { checked: 'branches', count: branches.length };
}

async function* auditAliases(db: Lineage): AsyncGenerator<AuditStep> {
  const aliases = await db.prisma.alias.findMany({ orderBy: { id: 'asc' }, include: { tip: true } });
  for (const alias of aliases) {
    const fault = (what: string) => broken('alias_broken', alias.id, what);
    const moves = await db.prisma.aliasMove.findMany({ where: { aliasId: alias.id }, orderBy: { sequence: 'asc' } });
    let at: string | null = null;
    for (const [index, move] of moves.entries()) {
      if (move.sequence !== index + 1) yield fault(`move ${index + 1} is missing`);
      if (move.fromVersionId !== at) yield fault(`move ${move.sequence} starts at ${move.fromVersionId}, not at ${at}`);
      at = move.toVersionId;
    }
    if (moves.length !== alias.sequence) yield fault(`it counts ${alias.sequence} moves, there are ${moves.length}`);
    const serves = alias.deletedAt === null ? alias.versionId : null;
    if (serves !== at) yield fault(`it is at ${serves}, its last move went to ${at}`);
    if (alias.tip !== null && alias.tip.versionId !== alias.versionId)
      yield fault(`it is at ${alias.versionId}, its chain is ${alias.tip.versionId}`);
  }
  yield { checked: 'aliases', count: aliases.length };
}

async function* auditTags(db: Lineage, roots: Roots): AsyncGenerator<AuditStep> {
  const tags = await db.prisma.tag.findMany({ orderBy: { id: 'asc' }, include: { tip: true } });
  for (const { id, modelId, versionId, tip } of tags) {
    const stored = tip?.versionId ?? roots.get(modelId);
    if (stored !== versionId) yield broken('tag_broken', id, `it names ${versionId}, its chain is ${stored}`);
  }
  yield { checked: 'tags', count: tags.length };
}

async function* auditSnapshots(db: Lineage): AsyncGenerator<AuditStep> {
  const snapshots = await db.prisma.snapshot.findMany({
    orderBy: { versionId: 'asc' },
    include: { contribution: true },
  });
  for (const { versionId, depth, contribution } of snapshots) {
    if (contribution.versionId !== versionId)
      yield broken(
        'snapshot_broken',
        versionId,
        `it is noted at ${contribution.id}, which ends at ${contribution.versionId}`,
      );
    if (contribution.depth !== depth)
      yield broken(
        'snapshot_broken',
        versionId,
        `its depth is ${depth}, that of ${contribution.id} ${contribution.depth}`,
      );
  }
  yield { checked: 'snapshots', count: snapshots.length };
}

async function* auditCandidates(db: Lineage, roots: Roots): AsyncGenerator<AuditStep> {
  const rows = await db.prisma.candidate.findMany({ select: { jobId: true, modelId: true } });
  for (const { jobId, modelId } of rows) {
    const candidate = await readCandidate(db, jobId);
    if (candidate === null) continue; // decided meanwhile
    const { after, added } = candidate.ground;
    const link = after === null ? null : await db.prisma.contribution.findUnique({ where: { id: after } });
    const found = deltasOf(added).reduce(nextVersionId, link?.versionId ?? roots.get(modelId)!);
    if (found !== candidate.version)
      yield broken('candidate_broken', jobId, `its candidate is ${candidate.version}, its deltas end at ${found}`);
  }
}

/** What artefacts were built from is there; their content is looked at as that of everything else that is named. */
async function* auditArtefacts(db: Lineage): AsyncGenerator<AuditStep> {
  const rows = await db.prisma.$queryRaw<{ id: string; parent: string }[]>`
    SELECT a.id, parent FROM artefacts a CROSS JOIN unnest(a.parents) AS parent
    WHERE NOT EXISTS (SELECT 1 FROM artefacts p WHERE p.id = parent AND p.model_id = a.model_id) ORDER BY a.id`;
  for (const { id, parent } of rows)
    yield broken('artefact_broken', id, `it was built from ${parent}, which is not there`);
}

/** Every job: its state is that of its last event, and what succeeded has moved its branch, once, unless nothing changed. */
async function* auditJobs(db: Lineage): AsyncGenerator<AuditStep> {
  for (let after = ''; ; ) {
    const rows = await db.prisma.$queryRaw<
      {
        id: string;
        kind: string;
        state: string;
        told: string | null;
        moved: boolean;
        version_id: string | null;
        unchanged: boolean;
        trial: boolean;
        to_version_id: string | null;
      }[]
    >`
      SELECT j.id, j.kind, j.state, j.version_id, j.kind = 'edit' AND coalesce(j.version_id = j.parent_version_id, false) AS unchanged, j.input->'trial' IS NOT DISTINCT FROM 'true' AS trial, m.job_id IS NOT NULL AS moved, m.to_version_id,
        (SELECT e.state FROM events e WHERE e.job_id = j.id ORDER BY e.id DESC LIMIT 1) AS told
      FROM jobs j LEFT JOIN branch_moves m ON m.job_id = j.id
      WHERE j.id > ${after} ORDER BY j.id LIMIT ${rowsAtOnce}`;
    for (const { id, kind, state, told, moved, version_id, unchanged, trial, to_version_id } of rows) {
      const fault = (what: string) => broken('job_broken', id, what);
      if (told !== state) yield fault(`it is ${state}, its last event says ${told ?? 'nothing'}`);
      const succeeded = state === 'succeeded' || state === 'completed_with_errors';
      const moves = (kind === 'edit' && !trial && !unchanged) || kind === 'rollback' || kind === 'import';
      if (moves && succeeded !== moved)
        yield fault(moved ? `it is ${state}, though it moved a branch` : `it is ${state}, though it moved no branch`);
      if (moved && version_id !== to_version_id)
        yield fault(`it made ${version_id}, but moved its branch to ${to_version_id}`);
    }
    yield { checked: 'jobs', count: rows.length };
    if (rows.length < rowsAtOnce) return;
    after = rows.at(-1)!.id;
  }
}

/** The audit log: every entry behind the one before it, and for every move the entry that tells it. */
async function* auditEntries(db: Lineage): AsyncGenerator<AuditStep> {
  const fault = (where: string, what: string) => broken('audit_broken', where, what);
  for (let before: AuditPlace | null = null, cursor: string | null = '0'; cursor !== null; ) {
    const { data, next_cursor } = await listAudit(db, {}, { after: cursor, limit: rowsAtOnce });
    for (const entry of data) {
      const found = auditFault(entry, before);
      if (found !== null) yield fault(String(entry.position), found);
      before = entry;
    }
    yield { checked: 'audit_entries', count: data.length };
    cursor = next_cursor;
  }
  const untold = await db.prisma.$queryRaw<{ id: string; sequence: number; to: string | null }[]>`
    SELECT id, sequence, to_version_id AS "to" FROM (
      SELECT branch_id AS id, sequence, to_version_id FROM branch_moves UNION ALL SELECT alias_id, sequence, to_version_id FROM alias_moves
    ) AS moves
    WHERE NOT EXISTS (
      SELECT 1 FROM audit_entries told WHERE told.subject = moves.id AND told.details ->> 'sequence' = moves.sequence::text
        AND told.details ->> 'to_version_id' IS NOT DISTINCT FROM moves.to_version_id)
    ORDER BY id, sequence`;
  for (const { id, sequence, to } of untold)
    yield fault(id, `its move ${sequence} to ${to ?? 'nothing'} is not in the audit log as it is`);
}

/** Every counter of what a model uses, against what it counts, both as they are at one moment. */
async function* auditUsage(db: Lineage): AsyncGenerator<AuditStep> {
  const rows = await db.prisma.$queryRaw<
    { id: string; bytes: bigint; counted_bytes: bigint; edits: bigint; counted_edits: bigint }[]
  >`
    WITH stored AS (
      SELECT model_id, sum(bytes) AS bytes FROM (
        SELECT model_id, bytes FROM contributions UNION ALL SELECT model_id, bytes FROM artefacts UNION ALL SELECT model_id, bytes FROM snapshots
      ) AS each GROUP BY model_id
    ), counted AS (
      SELECT model_id, sum(bytes) AS bytes FROM stored_bytes GROUP BY model_id
    ), asked AS (
      SELECT model_id, sum((input ->> 'edits')::bigint) AS edits FROM jobs
      WHERE kind = 'edit' AND created_at >= asked_since(now() - interval '24 hours') GROUP BY model_id
    ), counted_asked AS (
      SELECT model_id, sum(edits) AS edits FROM asked_edits WHERE since >= asked_since(now() - interval '24 hours') GROUP BY model_id
    ), usage AS (
      SELECT id, coalesce(stored.bytes, 0)::bigint AS bytes, coalesce(counted.bytes, 0)::bigint AS counted_bytes,
        coalesce(asked.edits, 0)::bigint AS edits, coalesce(counted_asked.edits, 0)::bigint AS counted_edits
      FROM models LEFT JOIN stored ON stored.model_id = id LEFT JOIN counted ON counted.model_id = id
        LEFT JOIN asked ON asked.model_id = id LEFT JOIN counted_asked ON counted_asked.model_id = id
    )
    SELECT * FROM usage WHERE bytes <> counted_bytes OR edits <> counted_edits ORDER BY id`;
  for (const { id, bytes, counted_bytes, edits, counted_edits } of rows) {
    if (bytes !== counted_bytes)
      yield broken('usage_broken', id, `${bytes} bytes are stored, and ${counted_bytes} were counted`);
    if (edits !== counted_edits)
      yield broken('usage_broken', id, `${edits} edits were asked for within a day, and ${counted_edits} were counted`);
  }
}
