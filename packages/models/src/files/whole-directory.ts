// Directories that are there whole or not at all.

import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ModelError } from '../errors.ts';

/** Makes what was written to a file or directory outlast a crash. */
function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes a new directory: beside its place first, synced, then renamed into it. A crash leaves the old directory or the new one, never a part.
 * @param write fills a directory that is there and empty
 * @throws ModelError checkpoint_target_not_empty, checkpoint_target_unwritable; whatever `write` throws, with nothing left behind
 */
export async function writeDirectory<T>(
  directory: string,
  { overwrite = false }: { readonly overwrite?: boolean | undefined },
  write: (staging: string) => T | Promise<T>,
): Promise<T> {
  const target = resolve(directory);
  const occupied = existsSync(target) && (!statSync(target).isDirectory() || readdirSync(target).length > 0);
  if (occupied && !overwrite) {
    throw new ModelError('checkpoint_target_not_empty', {
      where: target,
      what: 'it exists and is not an empty directory',
      hint: 'Choose another, or ask for it to be overwritten',
    });
  }
  const staging = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  try {
    mkdirSync(staging, { recursive: true });
  } catch (cause) {
    throw new ModelError('checkpoint_target_unwritable', {
      where: target,
      what: `the directory cannot be created (${(cause as Error).message})`,
      hint: 'Choose a place that may be written to',
      cause,
    });
  }
  try {
    const result = await write(staging);
    syncPath(staging);
    if (occupied) {
      const old = `${staging}.old`;
      renameSync(target, old);
      renameSync(staging, target);
      rmSync(old, { recursive: true, force: true });
    } else {
      renameSync(staging, target);
    }
    syncPath(dirname(target));
    return result;
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    throw error;
  }
}
