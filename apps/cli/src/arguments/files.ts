// Files that a person names: read, written, and what the system says of them in plain words.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer as bytesOf, text as textOf } from 'node:stream/consumers';
import { ErrataError } from '@errata/contracts';
import { otherThanFile } from '@errata/host';

const isStream = (file: string): boolean => /^\/(?:dev|proc\/self)\/fd\/\d+$|^\/dev\/stdin$|^-$/.test(file);

/**
 * `work` on a file that can be read more than once: what comes through a pipe that a shell opened, or as `-`, is kept beside until it is done.
 */
export async function withReadable<T>(file: string, work: (path: string) => Promise<T>): Promise<T> {
  if (!isStream(file)) return work(file);
  const directory = await mkdtemp(join(tmpdir(), 'errata-input-'));
  try {
    const path = join(directory, 'standard-input');
    await writeFile(path, file === '-' ? await bytesOf(process.stdin) : await readFile(file));
    return await work(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** `-` is standard input. @throws ErrataError `not_found`, `invalid_request` for what cannot be read as a file */
export async function readText(file: string): Promise<string> {
  try {
    if (file === '-') return await textOf(process.stdin);
    // What a shell has opened for us, as by <(...), has somebody at its other end.
    const other = isStream(file) ? undefined : otherThanFile(await stat(file));
    if (other !== undefined) throw new ErrataError('invalid_request', `${file} ${other}`, { details: { path: file } });
    return await readFile(file, 'utf8');
  } catch (error) {
    throw explainFileError(error, file) ?? error;
  }
}

/** @throws ErrataError `not_found` where the directory is missing, `invalid_request` for what cannot be written */
export async function writeText(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT' ? dirname(file) : file;
    throw explainFileError(error, missing) ?? error;
  }
}

/**
 * What the system refused, as the mistake of whoever named the path; undefined for anything else that was thrown.
 * @param path where the error does not say it
 */
export function explainFileError(thrown: unknown, path?: string): ErrataError | undefined {
  const found = systemErrorOf(thrown);
  const at = path ?? found?.path;
  if (found === undefined || at === undefined) return undefined;
  const explain = (code: 'not_found' | 'output_exists' | 'invalid_request', message: string) =>
    new ErrataError(code, message, { details: { path: at }, cause: thrown });
  switch (found.code) {
    case 'ENOENT':
      return explain('not_found', `there is no file ${at}`);
    case 'EISDIR':
      return explain('invalid_request', `${at} is a directory, not a file`);
    case 'ENOTDIR':
      return explain('invalid_request', `${at} lies under a file, not under a directory`);
    case 'EEXIST':
      return explain('output_exists', `${at} is there already`);
    case 'EACCES':
    case 'EPERM':
      return explain('invalid_request', `you may not use ${at}`);
    case 'EROFS':
      return explain('invalid_request', `${at} cannot be written: its file system is read-only`);
    default:
      return undefined;
  }
}

/** Itself, or what a package in between has wrapped. */
function systemErrorOf(thrown: unknown): NodeJS.ErrnoException | undefined {
  if (thrown instanceof ErrataError)
    return thrown.code === 'internal' || thrown.code === 'storage_failed' ? systemErrorOf(thrown.cause) : undefined;
  return thrown instanceof Error && 'syscall' in thrown ? (thrown as NodeJS.ErrnoException) : undefined;
}
