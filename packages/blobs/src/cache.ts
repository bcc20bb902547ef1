// Blobs of a distant store kept on this machine, in a disk store that is not to grow beyond a bound: the least recently used leave.
import { utimes } from 'node:fs/promises';
import type { BlobEntry, LocalBlobStore } from './blobs.ts';
import { openDiskStore } from './disk.ts';

export interface CacheOptions {
  /** Bytes it may take. One that is used all at once may be larger for as long. */
  readonly mostBytes: number;
  /** What was used in the last so many ms stays, since somebody may be about to open its file. */
  readonly spareMs?: number;
}

export interface BlobCache {
  readonly store: LocalBlobStore;
  /** A blob was used: it is among the last to leave. */
  used(file: string): Promise<void>;
  /** So many bytes were put: room is made where that takes it. */
  grown(bytes: number): Promise<void>;
}

/** Looks at all files again once a twentieth of the bound has been put: others may share the directory. */
const lookAfter = 1 / 20;

export async function openCache(directory: string, { mostBytes, spareMs = 60_000 }: CacheOptions): Promise<BlobCache> {
  const store = await openDiskStore(directory);
  let unseen = Infinity;
  let looking: Promise<void> | undefined;

  const makeRoom = async (): Promise<void> => {
    unseen = 0;
    const entries: BlobEntry[] = [];
    for await (const entry of store.list()) entries.push(entry);
    let bytes = entries.reduce((sum, { size }) => sum + size, 0);
    const spared = Date.now() - spareMs;
    for (const { sha256, size, storedAt } of entries.sort((a, b) => a.storedAt.getTime() - b.storedAt.getTime())) {
      if (bytes <= mostBytes || storedAt.getTime() > spared) return;
      // One that was used meanwhile has another time, and stays.
      if (await store.delete(sha256, { ifStoredAt: storedAt })) bytes -= size;
    }
  };

  return {
    store,
    async used(file) {
      const now = new Date();
      await utimes(file, now, now).catch(() => {});
    },
    async grown(bytes) {
      unseen += bytes;
      if (unseen < mostBytes * lookAfter) return;
      looking ??= makeRoom().finally(() => {
        looking = undefined;
      });
      await looking;
    },
  };
}
