// One stack a data directory: a file in it says which process has it and where that one answers.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ErrataError } from '@errata/contracts';

interface Holder {
  readonly pid: number;
  readonly url: string;
}

export const lockFile = (dataDir: string): string => join(dataDir, 'stack.lock');

/**
 * Takes a data directory, also over from an owner that has died. Answers with what gives it back.
 * @param url where the new owner will answer
 * @throws ErrataError `data_dir_in_use` while its owner lives
 */
export async function holdDataDir(dataDir: string, url: string): Promise<() => Promise<void>> {
  const file = lockFile(dataDir);
  for (;;) {
    if (await createNew(file, `${JSON.stringify({ pid: process.pid, url })}\n`)) return () => rm(file, { force: true });
    const holder = await holderOf(file);
    // In containers, the process before this one often had the same number.
    if (holder !== undefined && holder.pid !== process.pid && isAlive(holder.pid)) {
      throw new ErrataError(
        'data_dir_in_use',
        `already running at ${holder.url} (pid ${holder.pid}, as ${file} says): stop it first, or give another directory by --data`,
        { details: { ...holder, file } },
      );
    }
    await rm(file, { force: true });
  }
}

async function createNew(file: string, content: string): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined where the file is gone, or its writer died before it had written. */
async function holderOf(file: string): Promise<Holder | undefined> {
  try {
    const { pid, url } = JSON.parse(await readFile(file, 'utf8')) as Partial<Holder>;
    return pid === undefined || url === undefined ? undefined : { pid, url };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
