// errata backup: the database and every blob that it names, as they are at one moment, while work goes on.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { bar, printJson, progressLine } from '../output/output.ts';
import { withBackups } from '../service/backups.ts';
import { storesOfService } from '../service/connection.ts';

export function register(program: Command): void {
  program
    .command('backup <place>')
    .description(
      'put the database and every blob that it names into a directory or an s3:// bucket, while work goes on',
    )
    .option('--json', 'print JSON')
    .action(async (place: string, options: { json?: true }) => {
      const { databaseUrl, blobs } = storesOfService();
      const [{ openBlobs }, { makeBackup }, { noteBackup, openLineage }] = await Promise.all([
        import('@errata/blobs'),
        import('@errata/upkeep'),
        import('@errata/lineage'),
      ]);
      const line = progressLine();
      const made = await withBackups(place, async (backups) => {
        const result = await makeBackup(databaseUrl, await openBlobs(blobs), backups.store, {
          onProgress: ({ phase, done, total }) => {
            if (options.json !== true) line.update(phase, bar(done, total));
          },
        });
        await backups.note(result.digest, result.backup.made_at);
        return result;
      }).finally(() => line.done());
      const { digest, copied, backup } = made;
      const { made_at, blobs: count, bytes } = backup;
      // The service tells how old its last backup is.
      const lineage = await openLineage(databaseUrl);
      const where = place.startsWith('s3://') ? place : resolve(place);
      await noteBackup(lineage, { digest, made_at, place: where, blobs: count, bytes }).finally(() => lineage.close());
      if (options.json) return printJson({ backup: digest, made_at, blobs: count, bytes, copied });
      console.log(`backup ${digest}`);
      console.log(`${count} blobs (${bytes} bytes), ${copied.blobs} of them new there (${copied.bytes} bytes)`);
    });
}
