// Canonical JSON and digests: one byte string per value, so that equal content has an equal name.
import { sha256Of } from '#platform';
import { piecesOf } from './pieces.ts';

/** JSON with object keys sorted by code unit and no white space. Rejects what JSON cannot hold (non-finite numbers, functions). */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`canonical JSON cannot hold ${value}`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
    return `{${fields.join(',')}}`;
  }
  throw new TypeError(`canonical JSON cannot hold a ${typeof value}`);
}

/** Lower-case hexadecimal sha256. */
export const sha256 = (bytes: string | Uint8Array): string =>
  sha256Of(typeof bytes === 'string' ? [bytes] : piecesOf(bytes));
