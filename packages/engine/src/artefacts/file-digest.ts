// The sha256 and size of a file, read in pieces.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { ErrataError } from '@errata/contracts';
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

/** @throws ErrataError `corpus_missing` where the text cannot be read */
export async function digestCorpus(path: string): Promise<FileDigest> {
  try {
    return await digestFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ErrataError('corpus_missing', `the corpus ${path} cannot be read: ${reason}`, {
      details: { path },
      cause,
    });
  }
}
