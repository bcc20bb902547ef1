// Files that are there whole or not at all.
import { type FileHandle, open, rename, rm } from 'node:fs/promises';

/** Writes a file beside its place, then moves it there. */
export async function writeWhole<T>(path: string, write: (target: FileHandle) => Promise<T>): Promise<T> {
  const draft = `${path}.part`;
  const target = await open(draft, 'w');
  try {
    const result = await write(target);
    await target.close();
    await rename(draft, path);
    return result;
  } catch (error) {
    await target.close();
    await rm(draft, { force: true });
    throw error;
  }
}
