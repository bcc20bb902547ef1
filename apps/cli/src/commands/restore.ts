// errata restore: brings a backup back, into an empty database and a store of blobs, or into the data directory of a new local stack.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobPlace } from '@errata/blobs';
import type { Command } from 'commander';
import { bar, printJson, progressLine } from '../output/output.ts';
import { withBackups } from '../service/backups.ts';
import { storesOfService } from '../service/connection.ts';

interface Options {
  backup?: string;
  data?: string;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('restore <place>')
    .description('bring a backup back into the empty database of DATABASE_URL and the blobs of BLOBS_DIR or BLOBS_URL')
    .option('--backup <digest>', 'which one, as errata backup printed it (default: the newest of the directory)')
    .option('--data <directory>', 'into the data directory of a local stack that has never run, instead')
    .option('--json', 'print JSON')
    .action(async (place: string, options: Options) => {
      const [{ openBlobs }, { restoreBackup }] = await Promise.all([import('@errata/blobs'), import('@errata/upkeep')]);
      const line = progressLine();
      const restored = await withTarget(options.data, (databaseUrl, blobs) =>
        withBackups(place, async ({ store, find }) => {
          const digest = await find(options.backup);
          const { made_at, ...backup } = await restoreBackup(digest, store, databaseUrl, await openBlobs(blobs), {
            onProgress: ({ phase, done, total }) => {
              if (options.json !== true) line.update(phase, bar(done, total));
            },
          });
          return { backup: digest, made_at, blobs: backup.blobs, bytes: backup.bytes };
        }),
      ).finally(() => line.done());
      if (options.json) return printJson(restored);
      console.log(`restored what was there at ${restored.made_at}: ${restored.blobs} blobs (${restored.bytes} bytes)`);
    });
}

async function withTarget<T>(
  data: string | undefined,
  work: (databaseUrl: string, blobs: BlobPlace) => Promise<T>,
): Promise<T> {
  if (data === undefined) {
    const { databaseUrl, blobs } = storesOfService();
    return work(databaseUrl, blobs);
  }
  const [{ privateFolder, startPostgres }, { holdDataDir }] = await Promise.all([
    import('@errata/local-services'),
    import('../stack/data-dir-lock.ts'),
  ]);
  // As a stack makes it: the database of root runs as another user, who must be able to enter.
  await mkdir(data, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  const { release } = await holdDataDir(data, 'errata restore');
  try {
    const postgres = await startPostgres({ dataDir: join(data, 'postgres') });
    try {
      return await work(postgres.url, { blobsDir: await privateFolder(join(data, 'blobs')) });
    } finally {
      await postgres.stop();
    }
  } finally {
    await release();
  }
}
