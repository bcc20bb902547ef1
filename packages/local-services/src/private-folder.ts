// Folders that nobody else on this machine may enter, and places in them for sockets, whose paths must be short.
import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** Systems allow 103 or 107 bytes for the path of a socket. */
const longestSocketPath = 103;

/** Makes a folder of ours that nobody else may enter, or makes it so. */
export async function privateFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
  return path;
}

/**
 * Makes a folder in a place that is open to all, or sees that one that is there is its owner's: whoever had made it before us could
 * put anything into it.
 * @param mode who may enter; nobody but its owner may write
 * @param owner who is to have it; ourselves unless given
 */
export async function ownFolder(path: string, mode = 0o700, owner: Identity = userInfo()): Promise<string> {
  const made = await mkdir(path, { mode }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
  if (made && owner.uid !== userInfo().uid) await chown(path, owner.uid, owner.gid);
  const found = await lstat(path);
  if (!found.isDirectory() || found.uid !== owner.uid)
    throw new Error(`${path} is there already and is not ours: remove it`);
  if ((found.mode & 0o777) !== mode) await chmod(path, mode);
  return path;
}

/** A name for the temporary folder that follows from a path, so that it is found again. */
export const standIn = (path: string): string =>
  join(tmpdir(), `errata-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`);

/** Where a server that keeps its data in a private folder has its socket: there, or, where that path is too long, in another private folder. */
export async function socketFolder(dataDir: string, socketName: string, owner?: Identity): Promise<string> {
  if (Buffer.byteLength(join(dataDir, socketName)) <= longestSocketPath) return dataDir;
  return ownFolder(`${standIn(dataDir)}-socket`, 0o700, owner);
}

/** Removes the folder of a server that has been stopped, where it is not the one of its data. */
export async function leaveSockets(folder: string, dataDir: string): Promise<void> {
  if (folder !== dataDir) await rm(folder, { recursive: true, force: true });
}
