// A text file as a stream of token windows, for the statistics that are taken over it.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { ErrataError } from '@errata/contracts';
import { requireRegularFile } from '@errata/host';
import { encodeContinuation, type Tokenizer } from '@errata/models';

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

/** Characters of text that are tokenised together; a line is never cut. */
const pieceLength = 1 << 16;

/** Where the last line of a text begins that can be cut off: not within a run of blanks, which tokenizers merge. 0 where there is none. */
function lastSeam(text: string): number {
  for (let at = text.lastIndexOf('\n'); at > 0; at = text.lastIndexOf('\n', at - 1))
    if (/^ ?\S/.test(text.slice(at + 1, at + 3))) return at + 1;
  return 0;
}

/** A text file in pieces that begin where a line does, so that no token reaches over a seam. Line breaks are made one newline. */
async function* pieces(path: string): AsyncGenerator<string> {
  const stream = createReadStream(path, { encoding: 'utf8' });
  let held = '';
  try {
    for await (const more of stream) {
      held += more as string;
      if (held.length < pieceLength) continue;
      const seam = lastSeam(held);
      if (seam === 0) continue;
      yield held.slice(0, seam).replaceAll('\r\n', '\n');
      held = held.slice(seam);
    }
  } catch (cause) {
    throw unreadable(path, cause);
  } finally {
    stream.destroy();
  }
  if (held !== '') yield held.replaceAll('\r\n', '\n');
}

/**
 * The tokens of a UTF-8 text file, cut into windows of `length`; the last may be shorter. The text is tokenised as a whole: a tokenizer
 * that puts a space in front of a text puts one in front of the file, not of each line. It is read in pieces, so memory does not
 * grow with the file. Each window begins with the tokenizer's own prefix ids, as any text the model reads does.
 * @throws ErrataError `corpus_missing`
 */
export async function* tokenWindows(tokenizer: Tokenizer, path: string, length: number): AsyncGenerator<Int32Array> {
  const { prefixIds } = tokenizer;
  let window: number[] = [...prefixIds];
  let first = true;
  for await (const piece of pieces(path)) {
    for (const id of first ? tokenizer.encode(piece) : encodeAfterBreak(tokenizer, piece)) {
      window.push(id);
      if (window.length < length) continue;
      yield Int32Array.from(window);
      window = [...prefixIds];
    }
    first = false;
  }
  if (window.length > prefixIds.length) yield Int32Array.from(window);
}

/** Ids of text behind a line break: what the tokenizer makes of both, without the break. */
function encodeAfterBreak(tokenizer: Tokenizer, text: string): readonly number[] {
  const lineBreak = tokenizer.encode('\n');
  const ids = tokenizer.encode(`\n${text}`);
  return lineBreak.every((id, i) => id === ids[i]) ? ids.slice(lineBreak.length) : encodeContinuation(tokenizer, text);
}
