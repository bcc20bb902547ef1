// Sealing: entries that have been noted get their place in the chain, one after another, by whoever holds the pen. Acts themselves do not
// queue for it: an entry is chained once it is committed, in the order in which that was seen.
import { type AuditEntry, auditHash } from '@errata/contracts';
import type { Lineage, Tx } from '../database/client.ts';
import { type AuditRow, entryOf } from './entries.ts';

const sealedAtOnce = 1000;
// Any constant would do, as long as everybody who seals uses the same.
const pen = 0x6175_6469;

/** Seals what has been noted, and says how many entries that were. */
export async function sealAudit(db: Lineage): Promise<number> {
  let sealed = 0;
  while (await isAnyUnsealed(db)) sealed += await db.prisma.$transaction(sealSome);
  return sealed;
}

async function isAnyUnsealed(db: Lineage): Promise<boolean> {
  const [row] = await db.prisma.$queryRaw<{ any: boolean }[]>`
    SELECT EXISTS (SELECT 1 FROM audit_entries WHERE position IS NULL) AS any`;
  return row!.any;
}

async function sealSome(tx: Tx): Promise<number> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${pen}::bigint)`;
  const [last] = await tx.$queryRaw<{ position: bigint; hash: string }[]>`
    SELECT position, hash FROM audit_entries WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1`;
  const rows = await tx.$queryRaw<AuditRow[]>`
    SELECT id, 0 AS position, at, act, actor, model_id, subject, details, NULL AS previous_hash, '' AS hash
    FROM audit_entries WHERE position IS NULL ORDER BY id LIMIT ${sealedAtOnce}`;
  let before = { position: Number(last?.position ?? 0), hash: last?.hash ?? null };
  const sealed = rows.map((row) => {
    const { hash: _, ...open }: AuditEntry = {
      ...entryOf(row),
      position: before.position + 1,
      previous_hash: before.hash,
    };
    const { position, previous_hash } = open;
    const hash = auditHash(open);
    before = { position, hash };
    return { id: String(row.id), position, previous_hash, hash };
  });
  await tx.$executeRaw`
    UPDATE audit_entries SET position = given.position, previous_hash = given.previous_hash, hash = given.hash
    FROM jsonb_to_recordset(${JSON.stringify(sealed)}::jsonb) AS given(id bigint, position bigint, previous_hash text, hash text)
    WHERE audit_entries.id = given.id`;
  return rows.length;
}
