// Where backups are: a directory, or a bucket; in a directory with a list of them.
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type LocalBlobStore, openBlobs } from '@errata/blobs';
import { ErrataError } from '@errata/contracts';

export interface Backups {
  readonly store: LocalBlobStore;
  /** Adds one to the list. */
  note(digest: string, madeAt: string): Promise<void>;
  /** The one that is meant: that which is named, else the newest of the list. */
  find(digest: string | undefined): Promise<string>;
}

/** What of a bucket is kept here while a backup is made or restored. */
const keptMb = 1024;

/** Runs `work` on the backups at a directory or an `s3://` URL. */
export async function withBackups<T>(place: string, work: (backups: Backups) => Promise<T>): Promise<T> {
  if (place.startsWith('s3://')) {
    const kept = await mkdtemp(join(tmpdir(), 'errata-backup-'));
    try {
      const store = await openBlobs({ blobsDir: kept, blobsUrl: place, blobsCacheMb: keptMb });
      return await work({
        store,
        note: async () => {},
        find: async (digest) => {
          if (digest !== undefined) return digest;
          throw new ErrataError(
            'invalid_request',
            'say which backup of the bucket: --backup, as errata backup printed it',
          );
        },
      });
    } finally {
      await rm(kept, { recursive: true, force: true });
    }
  }
  const directory = resolve(place);
  const list = join(directory, 'backups');
  return work({
    store: await openBlobs({ blobsDir: join(directory, 'blobs') }),
    note: (digest, madeAt) => appendFile(list, `${madeAt} ${digest}\n`),
    find: async (digest) => {
      const lines = (await readFile(list, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
      const newest = lines.at(-1)?.split(' ')[1];
      const found = digest ?? newest;
      if (found === undefined) throw new ErrataError('not_found', `${directory} has no backup`);
      return found;
    },
  });
}
