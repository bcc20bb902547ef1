// Which backups were made of this database, as far as whoever made them has told it.
import type { HealthResource } from '@errata/contracts';
import type { Lineage } from '../database/client.ts';

export type BackupRecord = NonNullable<HealthResource['backup']>;

/** Notes a backup that has been made. */
export async function noteBackup(db: Lineage, { made_at, ...backup }: BackupRecord): Promise<void> {
  const data = { ...backup, madeAt: new Date(made_at) };
  await db.prisma.backup.createMany({ data, skipDuplicates: true });
}

/** The latest; null where none is known. */
export async function lastBackup(db: Lineage): Promise<BackupRecord | null> {
  const row = await db.prisma.backup.findFirst({ orderBy: [{ madeAt: 'desc' }, { digest: 'asc' }] });
  if (row === null) return null;
  const { madeAt, blobs, bytes, ...rest } = row;
  return { ...rest, blobs: Number(blobs), bytes: Number(bytes), made_at: madeAt.toISOString() };
}
