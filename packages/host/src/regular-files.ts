// Only regular files are read: whoever opens a pipe waits for its other end, perhaps for ever, and a device may never end.
import { type Stats, statSync } from 'node:fs';
import { open } from 'node:fs/promises';

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

/**
 * All bytes of a file, also of one beyond 2 GiB, which Node's own `readFile` refuses, so many at a time. A file that becomes shorter meanwhile is read as far as it goes.
 * @throws what the system says
 */
export async function readWhole(path: string, most = 2 ** 30): Promise<Buffer> {
  const file = await open(path);
  try {
    const bytes = Buffer.allocUnsafeSlow((await file.stat()).size);
    for (let done = 0; done < bytes.byteLength; ) {
      const { bytesRead } = await file.read(bytes, done, Math.min(bytes.byteLength - done, most), done);
      if (bytesRead === 0) return bytes.subarray(0, done);
      done += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}
