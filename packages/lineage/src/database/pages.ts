// Pages by cursor: one row more than asked for tells whether there is another page.
import { ErrataError, type IdPrefix, largestInteger, type Page } from '@errata/contracts';

export interface PageRequest {
  /** The `next_cursor` of the page before. */
  readonly after?: string | undefined;
  /** @defaultValue 20 */
  readonly limit?: number | undefined;
}

/** Makes a page of `limit` items out of the rows found when asking for one more. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  cursor: (row: Row) => string,
  item: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const has_more = rows.length > limit;
  return { data: shown.map(item), has_more, next_cursor: has_more && last !== undefined ? cursor(last) : null };
}

/** A cursor that is an id, with one of some prefixes. `invalid_request` when it is not. */
export function idCursor(after: string, ...prefixes: readonly IdPrefix[]): string {
  if (new RegExp(`^(?:${prefixes.join('|')})_[0-9a-z]+$`).test(after)) return after;
  throw noCursor(after);
}

/**
 * A cursor that is a whole number. `invalid_request` when it is not, or when nothing can have it.
 * @param largest the largest that the column holds
 */
export function numericCursor(after: string, largest: number = largestInteger): number {
  if (/^\d{1,16}$/.test(after) && Number(after) <= largest) return Number(after);
  throw noCursor(after);
}

function noCursor(after: string): ErrataError {
  const message = `${JSON.stringify(after)} is not a cursor of this list`;
  return new ErrataError('invalid_request', message, {
    errors: [{ code: 'invalid_request', field: 'after', message }],
  });
}
