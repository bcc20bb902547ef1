// The audit log read: in the order in which its entries were sealed.
import type { AuditEntry, Page } from '@errata/contracts';
import type { Lineage } from '../database/client.ts';
import { numericCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { readRecord } from '../database/stored.ts';
import { Prisma } from '../generated/client.ts';

export interface AuditRow {
  readonly id: bigint;
  readonly position: bigint | number;
  readonly at: Date;
  readonly act: string;
  readonly actor: string | null;
  readonly model_id: string | null;
  readonly subject: string;
  readonly details: unknown;
  readonly previous_hash: string | null;
  readonly hash: string;
}

export const entryOf = (row: AuditRow): AuditEntry => ({
  object: 'audit_entry',
  position: Number(row.position),
  at: row.at.toISOString(),
  act: row.act,
  actor: row.actor,
  model_id: row.model_id,
  subject: row.subject,
  details: readRecord(row.details, `audit entry ${row.position}`),
  previous_hash: row.previous_hash,
  hash: row.hash,
});

export interface AuditFilter {
  readonly act?: string | undefined;
  readonly actor?: string | undefined;
  readonly subject?: string | undefined;
}

/** Entries from the first on. The cursor is a position. What was noted and not sealed yet is not among them ({@link sealAudit}). */
export async function listAudit(
  db: Lineage,
  { act, actor, subject }: AuditFilter = {},
  page: PageRequest = {},
): Promise<Page<AuditEntry>> {
  const limit = page.limit ?? 20;
  const after = page.after === undefined ? 0 : numericCursor(page.after, Number.MAX_SAFE_INTEGER);
  const equals = (column: string, value: string | undefined) =>
    value === undefined ? Prisma.empty : Prisma.sql`AND ${Prisma.raw(column)} = ${value}`;
  const rows = await db.prisma.$queryRaw<AuditRow[]>`
    SELECT id, position, at, act, actor, model_id, subject, details, previous_hash, hash FROM audit_entries
    WHERE position > ${after}::bigint ${equals('act', act)} ${equals('actor', actor)} ${equals('subject', subject)}
    ORDER BY position LIMIT ${limit + 1}`;
  return pageOf(rows, limit, ({ position }) => String(position), entryOf);
}
