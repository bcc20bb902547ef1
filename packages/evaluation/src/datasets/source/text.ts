// A file as text in pieces: unpacked where it is gzip, UTF-8 checked, its byte-order mark taken off, nothing of it kept.
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ErrataError } from '@errata/contracts';
import { headBytes, otherThanFile } from '@errata/host';
import { isGzip, otherThanRecords } from './kinds.ts';

/** @throws always: ErrataError `unreadable_dataset` */
export function unreadable(file: string, fault: string, details: Record<string, unknown> = {}): never {
  throw new ErrataError('unreadable_dataset', `${file} ${fault}`, { details: { file, ...details } });
}

/**
 * The first bytes of a file as it lies on disk.
 * @throws ErrataError `not_found` where there is no such file; `unreadable_dataset` for what is no regular file
 */
export async function headOf(file: string): Promise<Uint8Array> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new ErrataError('not_found', `there is no file ${file}`, { details: { file } });
  });
  const other = otherThanFile(found);
  if (other !== undefined) unreadable(file, other);
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The bytes of a file, of gzip those that were packed. Errors as {@link headOf}, and `unreadable_dataset` for broken gzip. */
async function* unpacked(file: string): AsyncGenerator<Buffer, void, undefined> {
  const isPacked = isGzip(await headOf(file));
  const packed = createReadStream(file);
  if (!isPacked) return yield* packed as AsyncIterable<Buffer>;
  const gunzip = createGunzip();
  // A fault in either reaches the loop below, since it destroys what it reads from.
  const flowing = pipeline(packed, gunzip).catch(() => undefined);
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'Z_BUF_ERROR') unreadable(file, 'is cut off: its gzip does not end');
    if (code?.startsWith('Z_') === true) unreadable(file, `is gzip that is damaged: ${message}`);
    throw error;
  } finally {
    gunzip.destroy();
    await flowing;
  }
}

/**
 * The text of a file in pieces of up to 64 KB, without a byte-order mark.
 * @throws ErrataError `not_found` where there is no such file; `unreadable_dataset` for what is no regular file, an empty file, what is
 * known to be something else ({@link otherThanRecords}), or bytes that are not UTF-8 text
 */
export async function* textPieces(file: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Buffer): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      return unreadable(file, 'is not UTF-8 text');
    }
  };
  let begun = false;
  let blank = true;
  for await (const bytes of unpacked(file)) {
    const other = begun ? undefined : otherThanRecords(bytes.subarray(0, headBytes));
    if (other !== undefined) unreadable(file, `is ${other}`);
    begun = true;
    // Archives and numbers hold zero bytes; JSON and CSV never do.
    if (bytes.includes(0)) unreadable(file, 'is not UTF-8 text');
    const text = decode(bytes);
    blank &&= text.trim() === '';
    yield text;
  }
  const rest = decode();
  if (blank && rest.trim() === '') unreadable(file, 'is empty');
  if (rest !== '') yield rest;
}
