// Only regular files are read: whoever opens a pipe waits for its other end, perhaps for ever, and a device may never end.
import { type Stats, statSync } from 'node:fs';

/** What is there instead of a regular file, in words that follow a name; undefined for one, also by way of a link. */
export function otherThanFile(found: Stats): string | undefined {
  if (found.isFile()) return undefined;
  if (found.isDirectory()) return 'is a directory, not a file';
  if (found.isFIFO()) return 'is a pipe, not a file';
  if (found.isSocket()) return 'is a socket, not a file';
  return 'is a device, not a file';
}

/** @throws Error that names the path, for what is no regular file; what the system says where nothing can be found out */
export function requireRegularFile(path: string): void {
  const other = otherThanFile(statSync(path));
  if (other !== undefined) throw new Error(`${path} ${other}`);
}
