// A blob store in a directory: `ab/cdef...` by the first byte of the name; new blobs grow in `tmp` and appear by rename.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { sha256 as digestOf, ErrataError, piecesOf } from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { readWhole } from '@errata/host';
import type { BlobEntry, BlobSource, BlobStat, LocalBlobStore } from './blobs.ts';
import { checkName, corrupt, missing, namePattern } from './faults.ts';

/** Opens a directory as a blob store and creates what is missing. Several processes may share it. */
export async function openDiskStore(directory: string): Promise<LocalBlobStore> {
  const root = resolve(directory);
  const temporary = join(root, 'tmp');
  await guarded(root, async () => {
    await mkdir(temporary, { recursive: true });
    await sweep(root, temporary);
  });
  const fileOf = (sha256: string) => join(root, checkName(sha256).slice(0, 2), sha256.slice(2));

  const put = async (source: BlobSource): Promise<BlobStat> => {
    const chunks = chunksOf(source);
    // Asked for at once: a stream that fails before anybody listens to it would end the process.
    const first = chunks.next();
    first.catch(() => {});
    const draft = join(temporary, randomUUID());
    return guarded(root, async () => {
      try {
        await failpoint('blob.before_write');
        const written = await writeDurably(draft, first, chunks);
        const file = fileOf(written.sha256);
        await failpoint('blob.before_rename');
        await mkdir(dirname(file), { recursive: true });
        // Replaces a blob of the same name, which mends one that was damaged.
        await rename(draft, file);
        await syncDirectory(dirname(file));
        await syncDirectory(root);
        await failpoint('blob.after_rename');
        return written;
      } catch (error) {
        void chunks.return(undefined).catch(() => {});
        await rm(draft, { force: true });
        throw error;
      }
    });
  };

  const putOnce = async (source: BlobSource): Promise<BlobStat> => {
    if (!(source instanceof Uint8Array)) return put(source);
    const known = { sha256: digestOf(source), size: source.byteLength };
    if (!(await holds(known))) return put(source);
    return (await touch(known.sha256)) ? known : put(source);
  };

  /** Makes a blob as young as one just put; false when it was deleted meanwhile. */
  const touch = async (sha256: string): Promise<boolean> => {
    const now = new Date();
    try {
      await utimes(fileOf(sha256), now, now);
      return true;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return false;
      throw storageError(error, root);
    }
  };

  /**
   * Takes the file out of its place first and looks at its time then: who puts the blob from here on finds it missing and writes it
   * anew, and who put it before has changed its time, so that it goes back.
   */
  const remove = async (sha256: string, ifStoredAt: Date | undefined): Promise<boolean> => {
    const file = fileOf(sha256);
    if (ifStoredAt === undefined) {
      const present = (await entry(sha256)) !== null;
      await rm(file, { force: true });
      if (present) await syncDirectory(dirname(file));
      return present;
    }
    const isOther = ({ mtime }: { readonly mtime: Date }) => mtime.getTime() !== ifStoredAt.getTime();
    const aside = join(temporary, `${sha256}${setAside}`);
    try {
      if (isOther(await stat(file))) return false;
      await rename(file, aside);
      await failpoint('delete.set_aside');
      if (isOther(await stat(aside))) {
        await rename(aside, file);
        return false;
      }
    } catch (error) {
      // Gone, or put back by a process that has just opened the store.
      if (isSystemError(error, 'ENOENT')) return false;
      throw error;
    }
    await rm(aside, { force: true });
    await syncDirectory(dirname(file));
    return true;
  };

  const holds = async ({ sha256, size }: BlobStat): Promise<boolean> => {
    if ((await entry(sha256))?.size !== size) return false;
    try {
      return (await digestOfFile(fileOf(sha256))) === sha256;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return false; // deleted meanwhile
      throw storageError(error, root);
    }
  };

  const entry = async (sha256: string): Promise<BlobEntry | null> => {
    const file = fileOf(sha256);
    try {
      const { size, mtime } = await stat(file);
      return { sha256, size, storedAt: mtime };
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return null;
      throw storageError(error, root);
    }
  };

  const path: LocalBlobStore['path'] = async (sha256, check = 'content') => {
    const found = await entry(sha256);
    if (found === null) throw missing(sha256);
    const file = fileOf(sha256);
    if (check === 'content') {
      const digest = await guarded(root, () => digestOfFile(file));
      if (digest !== sha256) throw corrupt(sha256, digest);
    } else if (found.size !== check.size) {
      throw corrupt(sha256, `${found.size} bytes instead of ${check.size}`);
    }
    return file;
  };

  return {
    put: putOnce,
    path,
    verify: async (sha256) => {
      await path(sha256);
    },
    stat: entry,
    has: async (sha256) => (await entry(sha256)) !== null,
    get: async (sha256) => {
      const bytes = await guarded(root, async () => {
        try {
          return await readWhole(fileOf(sha256));
        } catch (error) {
          if (isSystemError(error, 'ENOENT')) throw missing(sha256);
          throw error;
        }
      });
      const digest = digestOf(bytes);
      if (digest !== sha256) throw corrupt(sha256, digest);
      return bytes;
    },
    list: async function* () {
      for (const shelf of (await guarded(root, () => readdir(root))).sort()) {
        if (!/^[0-9a-f]{2}$/.test(shelf)) continue;
        for (const rest of (await guarded(root, () => readdir(join(root, shelf)))).sort()) {
          const found = namePattern.test(shelf + rest) ? await entry(shelf + rest) : null;
          if (found !== null) yield found;
        }
      }
    },
    delete: (sha256, options) => guarded(root, () => remove(sha256, options?.ifStoredAt)),
  };
}

const draftLifetimeMs = 24 * 3600 * 1000;

/** Ends the names of blobs that are out of their place while it is decided whether they go. */
const setAside = '.deleted';

/**
 * Removes drafts that processes left behind when they died; a younger one may still be growing. Puts back what they had set aside:
 * somebody may have put it once more at that moment.
 */
async function sweep(root: string, temporary: string): Promise<void> {
  for (const name of await readdir(temporary)) {
    const file = join(temporary, name);
    const blob = name.endsWith(setAside) ? name.slice(0, -setAside.length) : '';
    if (namePattern.test(blob)) {
      await rename(file, join(root, blob.slice(0, 2), blob.slice(2))).catch(() => {});
      continue;
    }
    const found = await stat(file).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > draftLifetimeMs) await rm(file, { force: true });
  }
}

/** Writes a new file and forces it to the medium. */
async function writeDurably(
  file: string,
  first: Promise<IteratorResult<Uint8Array>>,
  rest: AsyncIterator<Uint8Array>,
): Promise<BlobStat> {
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(file, 'wx', 0o644);
  try {
    for (let next = await first; next.done !== true; next = await rest.next()) {
      hash.update(next.value);
      await writeAll(handle, next.value);
      size += next.value.byteLength;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { sha256: hash.digest('hex'), size };
}

/** An error of the source, which says nothing about the store. */
class SourceFailure extends Error {}

async function* chunksOf(source: BlobSource): AsyncGenerator<Uint8Array> {
  if (source instanceof Uint8Array) return yield* piecesOf(source);
  try {
    yield* source;
  } catch (error) {
    throw new SourceFailure('the source failed', { cause: error });
  }
}

// A write may take only part of what it is given, as it does when a disk fills up; the next one then says why.
async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.byteLength; ) {
    const rest = chunk.byteLength - offset;
    const length = (await failpoint('blob.write')) === 'short' ? Math.ceil(rest / 2) : rest;
    const { bytesWritten } = await handle.write(chunk, offset, length);
    offset += bytesWritten;
  }
}

/** A renamed file survives a power cut only once its directory was synced. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function digestOfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function guarded<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error, root);
  }
}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Failures of the file system by what they mean; anything else passes as it was thrown. */
function storageError(error: unknown, root: string): unknown {
  if (error instanceof SourceFailure) return error.cause;
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].some((code) => isSystemError(error, code));
  return new ErrataError(
    full ? 'storage_full' : 'storage_failed',
    full ? 'the blob store has no space left' : `the blob store failed: ${error.message}`,
    { details: { directory: root, system: 'code' in error ? error.code : null }, cause: error },
  );
}
