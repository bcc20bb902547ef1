// Downloading one file: from where an earlier attempt broke off, and kept under its name only once it is whole and right.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { ModelError } from '../../errors.ts';
import type { HubFile } from './client.ts';

/** Attempts in a row that bring nothing, before a download is given up. */
const mostAttempts = 4;
const firstPauseMs = 250;

export interface Download {
  /** What errors call the file. */
  readonly where: string;
  readonly file: HubFile;
  /** Asks for the file from some byte on. */
  readonly request: (from: number) => Promise<Response>;
  /** Told of every piece, and of what was there before. */
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Downloads a file to `<path>.incomplete`, goes on with what is there, checks size and digest, and renames it. What was gone on with and is
 * not right in the end is downloaded anew, once. Two that download the same write the same bytes to the same places, and the first to end wins.
 * @throws ModelError hub_unreachable, hub_checksum, hub_disk_full
 */
export async function download(path: string, asked: Download): Promise<void> {
  const partial = `${path}.incomplete`;
  for (;;) {
    const begun = await fill(partial, asked);
    const right = await isRight(partial, asked.file).catch(async (error: unknown) => {
      if (await exists(path)) return true;
      throw error;
    });
    if (right) {
      await rename(partial, path).catch(async (error: unknown) => {
        if (!(await exists(path))) throw error;
      });
      return;
    }
    await rm(partial, { force: true });
    if (begun === 0) break;
    asked.onBytes(-asked.file.size);
  }
  throw new ModelError('hub_checksum', {
    where: asked.where,
    what: 'what was downloaded has another digest than the hub states',
    hint: 'Try again; if it happens again, the file on the hub or something on the way to it is damaged',
  });
}

/** Downloads what is missing of a file. @returns how much of it there was */
async function fill(partial: string, { where, file, request, onBytes, signal }: Download): Promise<number> {
  const handle = await openPartial(partial);
  try {
    const begun = Math.min((await handle.stat()).size, file.size);
    let have = begun;
    onBytes(have);
    for (let failed = 0; have < file.size; ) {
      signal?.throwIfAborted();
      const before = have;
      let cause: unknown;
      try {
        have = await fetchRest(handle, have, file, request, onBytes);
      } catch (error) {
        signal?.throwIfAborted();
        if (isFull(error)) throw full(where, file, error);
        if (error instanceof ModelError && error.code !== 'hub_unreachable') throw error;
        have = Math.min((await handle.stat()).size, file.size);
        cause = error;
      }
      if (have === file.size) break;
      failed = have > before ? 1 : failed + 1;
      if (failed > mostAttempts) throw brokenOff(where, have, file, cause);
      await new Promise((resolve) => setTimeout(resolve, firstPauseMs * 2 ** (failed - 1)));
    }
    await handle.truncate(file.size);
    await handle.sync();
    return begun;
  } finally {
    await handle.close();
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** For reading and writing at any place, made where it is not there. */
const openPartial = (path: string): Promise<FileHandle> => open(path, 'r+').catch(() => open(path, 'w+'));

/** @returns how much there is then */
async function fetchRest(
  handle: FileHandle,
  have: number,
  file: HubFile,
  request: Download['request'],
  onBytes: Download['onBytes'],
): Promise<number> {
  const response = await request(have);
  // Who does not know ranges sends all of it again.
  let at = response.status === 206 ? have : 0;
  if (at !== have) onBytes(-have);
  if (response.body === null) return at;
  for await (const chunk of response.body) {
    const bytes = chunk as Uint8Array;
    const wanted = bytes.subarray(0, Math.max(0, file.size - at));
    for (let done = 0; done < wanted.length; )
      done += (await handle.write(wanted, done, wanted.length - done, at + done)).bytesWritten;
    at += wanted.length;
    onBytes(wanted.length);
    if (wanted.length < bytes.length) break;
  }
  return at;
}

/** Whether a file is the one that the hub states: by its sha256, or as git names it. */
async function isRight(path: string, { size, sha256, oid }: HubFile): Promise<boolean> {
  const hash = createHash(sha256 === undefined ? 'sha1' : 'sha256');
  if (sha256 === undefined) hash.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 4 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex') === (sha256 ?? oid);
}

const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 2 : 0)} MiB`;

const full = (where: string, file: HubFile, cause: unknown): ModelError =>
  new ModelError('hub_disk_full', {
    where,
    what: `there is no space left for its ${megabytes(file.size)}`,
    hint: 'Make space and try again, which goes on from here; HF_HOME says where models are kept',
    cause,
  });

const brokenOff = (where: string, have: number, file: HubFile, cause?: unknown): ModelError =>
  new ModelError('hub_unreachable', {
    where,
    what: `the download broke off at ${megabytes(have)} of ${megabytes(file.size)}`,
    hint: 'Try again, which goes on from here',
    cause,
  });
