// What every store says of a name that is none, of a blob that is not there, and of bytes that are not those that were named.
import { ErrataError } from '@errata/contracts';

export const namePattern = /^[0-9a-f]{64}$/;

/** @throws TypeError unless it is a sha256 in lower-case hexadecimal, so that nothing else reaches a file system or a server */
export function checkName(sha256: string): string {
  if (!namePattern.test(sha256)) throw new TypeError(`not the name of a blob: ${JSON.stringify(sha256)}`);
  return sha256;
}

export const missing = (sha256: string): ErrataError =>
  new ErrataError('blob_missing', `blob ${sha256} is not in the store`, { details: { blob: sha256 } });

export const corrupt = (sha256: string, found: string): ErrataError =>
  new ErrataError('blob_corrupt', `the content of blob ${sha256} does not match its name: ${found}`, {
    details: { blob: sha256, found },
  });

export const isFault = (thrown: unknown, ...codes: readonly ErrataError['code'][]): thrown is ErrataError =>
  thrown instanceof ErrataError && codes.includes(thrown.code);
