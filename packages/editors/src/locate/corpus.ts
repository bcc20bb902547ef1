// A text file as a stream of token windows, for the statistics that are taken over it.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ErrataError } from '@errata/contracts';
import { requireRegularFile } from '@errata/host';
import type { Tokenizer } from '@errata/models';

function unreadable(path: string, cause: unknown): ErrataError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ErrataError('corpus_missing', `the corpus ${path} cannot be read: ${reason}`, {
    details: { path },
    cause,
  });
}

/**
 * sha256 (hex) of a file, read in pieces.
 * @throws ErrataError `corpus_missing`
 */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    requireRegularFile(path);
    for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return hash.digest('hex');
}

/**
 * The tokens of a UTF-8 text file, cut into windows of `length`; the last may be shorter. Lines are tokenised one by one,
 * with their line breaks, and joined: no line is held back, and memory does not grow with the file. Each window begins
 * with the tokenizer's own prefix ids, as any text the model reads does.
 * @throws ErrataError `corpus_missing`
 */
export async function* tokenWindows(tokenizer: Tokenizer, path: string, length: number): AsyncGenerator<Int32Array> {
  const { prefixIds } = tokenizer;
  let window: number[] = [...prefixIds];
  const stream = createReadStream(path, { encoding: 'utf8' });
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      for (const id of tokenizer.encode(`${line}\n`)) {
        window.push(id);
        if (window.length < length) continue;
        yield Int32Array.from(window);
        window = [...prefixIds];
      }
    }
  } catch (cause) {
    throw cause instanceof ErrataError || !(cause instanceof Error && 'syscall' in cause)
      ? cause
      : unreadable(path, cause);
  } finally {
    stream.destroy();
  }
  if (window.length > prefixIds.length) yield Int32Array.from(window);
}
