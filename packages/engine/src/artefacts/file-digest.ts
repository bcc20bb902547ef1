// The sha256 and size of a file, read in pieces.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { requireRegularFile } from '@errata/host';

export interface FileDigest {
  readonly sha256: string;
  readonly size: number;
}

export async function digestFile(path: string): Promise<FileDigest> {
  requireRegularFile(path);
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).byteLength;
  }
  return { sha256: hash.digest('hex'), size };
}
