// One stack a data directory: a file in it says which process has it and where that one answers.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ErrataError } from '@errata/contracts';
import { commandOf, isAlive } from '@errata/local-services';

interface Holder {
  readonly pid: number;
  readonly url: string;
}

const lockFile = (dataDir: string): string => join(dataDir, 'stack.lock');

export interface Hold {
  /** Gives the directory back. */
  readonly release: () => Promise<void>;
  /** Whether whoever had it before died without giving it back. */
  readonly takenOver: boolean;
}

/**
 * Takes a data directory, also over from an owner that has died.
 * @param url where the new owner will answer
 * @throws ErrataError `data_dir_in_use` while its owner lives
 */
export async function holdDataDir(dataDir: string, url: string): Promise<Hold> {
  const file = lockFile(dataDir);
  for (let takenOver = false; ; takenOver = true) {
    if (await createNew(file, `${JSON.stringify({ pid: process.pid, url })}\n`))
      return { release: () => rm(file, { force: true }), takenOver };
    const holder = await holderOf(file);
    if (holder !== undefined && holds(holder)) {
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

/** Whether it lives. A number is given again: to this very process, as often in containers, or to a program that is none of ours. */
function holds({ pid }: Holder): boolean {
  if (pid === process.pid || !isAlive(pid)) return false;
  return commandOf(pid)?.includes(basename(process.execPath)) ?? true;
}
