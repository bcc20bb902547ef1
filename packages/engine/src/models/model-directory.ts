// A model's blobs laid out as the directory they came from, for as long as it takes to open it.
import { copyFile, link, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import type { LocalBlobStore } from '@errata/blobs';
import { ErrataError } from '@errata/contracts';
import { ModelError } from '@errata/models';
import type { ModelFile } from '../calls/index.ts';

/**
 * Runs `work` on a directory that holds the files, every one checked against its digest. They are hard links where the
 * store lies on the same file system, copies elsewhere; the directory is removed afterwards.
 * @throws ErrataError `blob_missing`, `blob_corrupt`; whatever `work` throws, with the files named as they are in the model
 */
export async function withModelDirectory<T>(
  blobs: LocalBlobStore,
  files: readonly ModelFile[],
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'errata-model-'));
  try {
    for (const { name, sha256 } of files) {
      const target = join(directory, insideName(name));
      await mkdir(dirname(target), { recursive: true });
      const source = await blobs.path(sha256);
      await link(source, target).catch(() => copyFile(source, target));
    }
    return await work(directory);
  } catch (error) {
    throw withoutDirectory(error, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Whoever reads an error knows the model's files by their names, and not by where they lay for a moment. */
function withoutDirectory(error: unknown, directory: string): unknown {
  if (!(error instanceof ModelError) || !error.where.startsWith(directory)) return error;
  const { code, what, hint, cause } = error;
  const where = error.where.slice(directory.length + 1) || 'the model';
  return new ModelError(code, { where, what: what.replaceAll(`${directory}/`, ''), hint, cause });
}

/** A file name that stays inside its directory: what came from a database is not trusted more than what came from a form. */
function insideName(name: string): string {
  const normal = normalize(name);
  if (normal !== '' && !normal.startsWith('..') && !normal.startsWith('/') && !normal.includes('\0')) return normal;
  throw new ErrataError('invalid_request', `${JSON.stringify(name)} is not the name of a file of a model`);
}
