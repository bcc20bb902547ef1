// What Node gives, where platforms differ; browser.ts beside it gives the same in a browser. package.json chooses.
import { createHash } from 'node:crypto';

export { setMaxListeners } from 'node:events';

/** Lower-case hexadecimal sha256 of the pieces one after another; texts count as UTF-8. */
export function sha256Of(pieces: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** Resolves once everything else that waits has had its turn. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
