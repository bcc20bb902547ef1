// Lists that come in pages, read as one async iterable.
import type { Page } from '@errata/contracts';
import type { Query, Transport } from './transport.ts';

export interface PageQuery {
  readonly after?: string | undefined;
  /** Items a page, at most 100. */
  readonly limit?: number | undefined;
}

export interface Paged<T> extends AsyncIterable<T> {
  /** One page: the first, or the one after a cursor. */
  page(after?: string): Promise<Page<T>>;
  /** Every item, or as many as `most`. */
  all(most?: number): Promise<T[]>;
}

export function paged<T>(
  transport: Transport,
  path: string,
  query: PageQuery & Query = {},
  signal?: AbortSignal,
): Paged<T> {
  const page = (after = query.after) =>
    transport.json<Page<T>>('GET', path, { query: { ...query, after }, ...(signal === undefined ? {} : { signal }) });
  async function* walk(): AsyncGenerator<T> {
    let current = await page();
    for (;;) {
      yield* current.data;
      if (!current.has_more || current.next_cursor === null) return;
      current = await page(current.next_cursor);
    }
  }
  return {
    page,
    [Symbol.asyncIterator]: walk,
    async all(most = Number.POSITIVE_INFINITY) {
      const items: T[] = [];
      if (most <= 0) return items;
      for await (const item of walk()) {
        items.push(item);
        if (items.length >= most) break;
      }
      return items;
    },
  };
}
