// A blob store in a bucket of S3, or of what speaks as S3 does, with the blobs that are used here kept in a directory.
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobEntry, BlobStat, LocalBlobStore } from './blobs.ts';
import { type CacheOptions, openCache } from './cache.ts';
import { checkName, corrupt, isFault, missing } from './faults.ts';
import { type BucketOptions, bucketError, openBucket, type StoredObject } from './s3-bucket.ts';

export interface S3StoreOptions extends BucketOptions, CacheOptions {
  /** How often a blob is asked for whose bytes break off or are others, before that is told. */
  readonly readings?: number;
  /** Pause before the second reading, in ms; it doubles with every further one. */
  readonly pauseMs?: number;
}

/** An object is one putting of a blob. */
interface Putting extends StoredObject {
  readonly sha256: string;
  readonly putAt: Date;
}

/**
 * Every putting of a blob is an object of its own, `SHA256.MILLISECONDS.CHANCE`, which is written once and never again; the puttings
 * that were there before are deleted after it. Whoever deletes a blob deletes the puttings that it saw, by their names. So a blob
 * that is put while somebody deletes it, however late that one wakes up, is there afterwards, without a lock and whatever clocks say.
 * @param directory where blobs that were read or put are kept; several processes may share it, several machines need not
 * @throws ErrataError `storage_failed` when the bucket cannot be listed; `invalid_request`
 */
export async function openS3Store(url: string, directory: string, options: S3StoreOptions): Promise<LocalBlobStore> {
  const { readings = 5, pauseMs = 200 } = options;
  const bucket = openBucket(url, options);
  const cache = await openCache(directory, options);
  const under = (sha256: string) => `${checkName(sha256)}.`;

  async function* puttings(prefix: string): AsyncGenerator<Putting> {
    for await (const { key, size } of bucket.objects(prefix)) {
      const found = /^([0-9a-f]{64})\.(\d{13})\.[0-9a-f]{16}$/.exec(key);
      if (found !== null) yield { key, size, sha256: found[1]!, putAt: new Date(Number(found[2])) };
    }
  }
  const puttingsOf = async (sha256: string): Promise<readonly Putting[]> => {
    const found: Putting[] = [];
    for await (const putting of puttings(under(sha256))) found.push(putting);
    return found;
  };

  /** Hands a blob's bytes on as they come and compares them with its name; what breaks off or is wrong is asked for again. */
  const read = async <T>(sha256: string, take: (bytes: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T> => {
    for (let reading = 1; ; reading++) {
      try {
        const newest = (await puttingsOf(sha256)).at(-1);
        if (newest === undefined) throw missing(sha256);
        const body = await bucket.read(newest.key);
        // One that is gone was put again, or deleted, since its name was read.
        if (body === null) throw missing(sha256);
        return await take(checked(body, sha256));
      } catch (error) {
        if (reading >= readings) throw bucketError(error, url);
        if (isFault(error, 'blob_missing') && (await puttingsOf(sha256)).length === 0) throw error;
        if (isFault(error, 'storage_full')) throw error;
        await sleep(pauseMs * 2 ** (reading - 1));
      }
    }
  };

  const fetching = new Map<string, Promise<void>>();
  const fetch = (sha256: string): Promise<void> => {
    const going = fetching.get(sha256);
    if (going !== undefined) return going;
    const started = read(sha256, (bytes) => cache.store.put(bytes))
      .then(({ size }) => cache.grown(size))
      .finally(() => fetching.delete(sha256));
    fetching.set(sha256, started);
    return started;
  };

  /** What is kept is used; what is not, or was damaged here, is fetched first. */
  const kept = async <T>(sha256: string, use: () => Promise<T>): Promise<T> => {
    try {
      return await use();
    } catch (error) {
      if (!isFault(error, 'blob_missing', 'blob_corrupt')) throw error;
      await fetch(sha256);
      return use();
    }
  };

  const path: LocalBlobStore['path'] = async (sha256, check) => {
    const file = await kept(checkName(sha256), () => cache.store.path(sha256, check));
    await cache.used(file);
    return file;
  };

  const put: LocalBlobStore['put'] = async (source) => {
    const content: BlobStat = await cache.store.put(source);
    const { sha256, size } = content;
    const before = await puttingsOf(sha256);
    const key = `${under(sha256)}${String(Date.now()).padStart(13, '0')}.${randomBytes(8).toString('hex')}`;
    await bucket.write(key, await cache.store.path(sha256, { size }), content);
    for (const older of before) await bucket.remove(older.key);
    await cache.grown(size);
    return content;
  };

  const entryOf = (found: readonly Putting[]): BlobEntry | null => {
    const newest = found.at(-1);
    return newest === undefined ? null : { sha256: newest.sha256, size: newest.size, storedAt: newest.putAt };
  };
  const stat = async (sha256: string) => entryOf(await puttingsOf(sha256));

  // Said at once, and not when the first job needs it.
  for await (const _ of puttings(under('0'.repeat(64)))) break;

  return {
    put,
    path,
    stat,
    has: async (sha256) => (await stat(sha256)) !== null,
    get: async (sha256) => {
      const bytes = await kept(checkName(sha256), () => cache.store.get(sha256));
      await cache.used(await cache.store.path(sha256, { size: bytes.length }).catch(() => ''));
      return bytes;
    },
    verify: (sha256) =>
      read(sha256, async (bytes) => {
        for await (const _ of bytes);
      }),
    list: async function* () {
      let last: Putting | undefined;
      for await (const putting of puttings('')) {
        if (last !== undefined && last.sha256 !== putting.sha256) yield entryOf([last])!;
        last = putting;
      }
      if (last !== undefined) yield entryOf([last])!;
    },
    delete: async (sha256, removal) => {
      const found = await puttingsOf(sha256);
      const entry = entryOf(found);
      if (entry === null) return false;
      if (removal?.ifStoredAt !== undefined && removal.ifStoredAt.getTime() !== entry.storedAt.getTime()) return false;
      for (const putting of found) await bucket.remove(putting.key);
      await cache.store.delete(sha256);
      return true;
    },
  };
}

async function* checked(body: AsyncIterable<Uint8Array>, sha256: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
  const digest = hash.digest('hex');
  if (digest !== sha256) throw corrupt(sha256, digest);
}
