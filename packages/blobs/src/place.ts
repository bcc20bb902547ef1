// Where blobs are, as a process's environment says: a directory of this machine, or a bucket with a directory for what is used here.
import { statfs } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import type { LocalBlobStore } from './blobs.ts';
import { openDiskStore } from './disk.ts';

/** Plain data: it crosses process boundaries as JSON. */
export interface BlobPlace {
  /** The store itself; where there is a URL, only what is kept beside it. */
  readonly blobsDir: string;
  /** `s3://BUCKET/PREFIX`. */
  readonly blobsUrl?: string;
  /** MiB of blobs of the bucket that are kept in the directory. */
  readonly blobsCacheMb?: number;
}

const defaultCacheMb = 50 * 1024;

const blank = (value: unknown) => (value === '' ? undefined : value);

/** The variables that say it, for the schema of a program's settings. */
export const blobVariables = {
  BLOBS_DIR: z.preprocess(blank, z.string().default(join('.errata', 'blobs'))),
  BLOBS_URL: z.preprocess(
    blank,
    z.string().startsWith('s3://', 'must be s3://BUCKET or s3://BUCKET/PREFIX').optional(),
  ),
  BLOBS_CACHE_MB: z.preprocess(blank, z.coerce.number().int().min(1).optional()),
};

export const blobPlace = (given: z.infer<z.ZodObject<typeof blobVariables>>): BlobPlace => ({
  blobsDir: given.BLOBS_DIR,
  ...(given.BLOBS_URL === undefined ? {} : { blobsUrl: given.BLOBS_URL }),
  ...(given.BLOBS_CACHE_MB === undefined ? {} : { blobsCacheMb: given.BLOBS_CACHE_MB }),
});

/** For people and logs. */
export const describePlace = ({ blobsDir, blobsUrl }: BlobPlace): string => blobsUrl ?? blobsDir;

/** @throws ErrataError `storage_failed`, `storage_full`, `invalid_request` when the URL is none */
export async function openBlobs({
  blobsDir,
  blobsUrl,
  blobsCacheMb = defaultCacheMb,
}: BlobPlace): Promise<LocalBlobStore> {
  if (blobsUrl === undefined) return openDiskStore(blobsDir);
  const { openS3Store } = await import('./s3.ts');
  // Beside what a store in this directory would hold, which is nobody's to evict.
  return openS3Store(blobsUrl, join(blobsDir, 'cache'), { mostBytes: blobsCacheMb * 1024 * 1024 });
}

export interface Disk {
  /** Of them, what whoever runs this process may fill. */
  readonly free_bytes: number;
  readonly bytes: number;
}

/** What can be told of a place from here without reading what is in it. */
export interface PlaceView {
  readonly kind: 'directory' | 'bucket';
  /** The last part of the directory's path, or the bucket. */
  readonly name: string;
  /**
   * Goes there, and throws where it is away. Of a bucket there is no disk to tell of.
   */
  look(): Promise<Disk | null>;
}

export function viewPlace(place: BlobPlace): PlaceView {
  const { blobsDir, blobsUrl } = place;
  if (blobsUrl !== undefined) {
    let opening: Promise<LocalBlobStore> | undefined;
    const look = async () => {
      opening ??= openBlobs(place);
      await (await opening).stat(nobodys);
      return null;
    };
    return { kind: 'bucket', name: new URL(blobsUrl).hostname, look };
  }
  const look = async () => {
    const { bavail, blocks, bsize } = await statfs(blobsDir);
    return { free_bytes: bavail * bsize, bytes: blocks * bsize };
  };
  return { kind: 'directory', name: basename(resolve(blobsDir)), look };
}

/** A name that no content has. */
const nobodys = '0'.repeat(64);
