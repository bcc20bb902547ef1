// PostgreSQL refuses to run as root. These helpers find the user it runs as then, and places that this user can reach.

import { readFileSync } from 'node:fs';
import { cp, rename, rm, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, dirname, join, parse } from 'node:path';
import { type Identity, ownFolder, standIn } from './private-folder.ts';

/** Who PostgreSQL runs as when we are root: `postgres` where it exists, else `nobody`. Undefined when we are not root. */
export function postgresIdentity(): Identity | undefined {
  if (userInfo().uid !== 0) return undefined;
  const rows = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((row) => row.split(':'));
  const row = rows.find(([name]) => name === 'postgres') ?? rows.find(([name]) => name === 'nobody');
  if (row === undefined)
    throw new Error('PostgreSQL cannot run as root, and there is neither a user postgres nor nobody');
  return { uid: Number(row[2]), gid: Number(row[3]) };
}

/** Whether every folder above `path` lets other users pass. */
async function reachableByOthers(path: string): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const mode = await stat(folder).then(
      (found) => found.mode,
      () => 0o755, // not there yet: it will be created open
    );
    if ((mode & 0o001) === 0) return false;
    if (folder === parse(folder).root) return true;
  }
}

/** `path` itself where other users can reach it, else a stand-in for it, the same one every time, in the system's temporary folder. */
export async function reachablePath(path: string): Promise<string> {
  if (await reachableByOthers(path)) return path;
  return join(await ownFolder(standIn(path), 0o755), basename(path));
}

/** The folder at `source`, or a copy of it where other users can reach it. */
export async function reachableCopy(source: string): Promise<string> {
  const target = await reachablePath(source);
  if (target === source || (await stat(target).catch(() => undefined)) !== undefined) return target;
  const partial = `${target}.${process.pid}`;
  await cp(source, partial, { recursive: true, verbatimSymlinks: true });
  await rename(partial, target).catch(async () => rm(partial, { recursive: true })); // another process was faster
  return target;
}
