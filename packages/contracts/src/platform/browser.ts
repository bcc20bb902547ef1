// What node.ts gives, in a browser: the same digests, several times as slow for want of native ones that answer at once.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** Browsers never warn of many listeners. */
export const setMaxListeners = (_most: number, ..._signals: readonly AbortSignal[]): void => {};

export function sha256Of(pieces: Iterable<string | Uint8Array>): string {
  const hash = sha256.create();
  for (const piece of pieces) hash.update(typeof piece === 'string' ? utf8ToBytes(piece) : piece);
  return bytesToHex(hash.digest());
}

export const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
