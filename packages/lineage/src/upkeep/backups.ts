// Which backups were made of this database, as far as whoever made them has told it.
import type { HealthResource } from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import type { Lineage } from '../database/client.ts';

export type BackupRecord = NonNullable<HealthResource['backup']>;

/** Notes a backup that has been made. */
export async function noteBackup(db: Lineage, { made_at, ...backup }: BackupRecord): Promise<void> {
  const data = { ...backup, madeAt: new Date(made_at) };
  await db.prisma.$transaction(async (tx) => {
    const { count } = await tx.backup.createMany({ data: [data], skipDuplicates: true });
    if (count > 0) await noteAct(tx, { act: 'backup.made', subject: backup.digest, details: { made_at } });
  });
}

/** The latest; null where none is known. */
export async function lastBackup(db: Lineage): Promise<BackupRecord | null> {
  const row = await db.prisma.backup.findFirst({ orderBy: [{ madeAt: 'desc' }, { digest: 'asc' }] });
  if (row === null) return null;
  const { madeAt, blobs, bytes, ...rest } = row;
  return { ...rest, blobs: Number(blobs), bytes: Number(bytes), made_at: madeAt.toISOString() };
}
