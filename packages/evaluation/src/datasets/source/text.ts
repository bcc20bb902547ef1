// A file as text in pieces: UTF-8 checked, its byte-order mark taken off, nothing of it kept.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ErrataError } from '@errata/contracts';
import { otherThanFile } from '@errata/host';

/** @throws always: ErrataError `unreadable_dataset` */
export function unreadable(file: string, fault: string, details: Record<string, unknown> = {}): never {
  throw new ErrataError('unreadable_dataset', `${file} ${fault}`, { details: { file, ...details } });
}

/**
 * The text of a file in pieces of up to 64 KB, without a byte-order mark.
 * @throws ErrataError `not_found` where there is no such file; `unreadable_dataset` for what is no regular file, an empty file, or
 * bytes that are not UTF-8 text
 */
export async function* textPieces(file: string): AsyncGenerator<string, void, undefined> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new ErrataError('not_found', `there is no file ${file}`, { details: { file } });
  });
  const other = otherThanFile(found);
  if (other !== undefined) unreadable(file, other);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Buffer): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      return unreadable(file, 'is not UTF-8 text');
    }
  };
  let blank = true;
  for await (const bytes of createReadStream(file) as AsyncIterable<Buffer>) {
    // UTF-16 and archives hold zero bytes; JSON and CSV never do.
    if (bytes.includes(0)) unreadable(file, 'is not UTF-8 text');
    const text = decode(bytes);
    blank &&= text.trim() === '';
    yield text;
  }
  const rest = decode();
  if (blank && rest.trim() === '') unreadable(file, 'is empty');
  if (rest !== '') yield rest;
}
