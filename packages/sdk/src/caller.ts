// How the resources call the API: a body posted, a value got, a list read page by page.
import { type Paged, type PageQuery, paged } from './pages.ts';
import type { CallOptions, Query, Transport } from './transport.ts';

export interface Caller extends Transport {
  get<T>(path: string, call?: CallOptions): Promise<T>;
  post<T>(path: string, body: unknown, call?: CallOptions): Promise<T>;
  list<T>(path: string, query?: PageQuery & Query): Paged<T>;
}

export const createCaller = (transport: Transport): Caller => ({
  ...transport,
  get: (path, call = {}) => transport.json('GET', path, call),
  post: (path, body, call = {}) => transport.json('POST', path, { ...call, body }),
  list: (path, query) => paged(transport, path, query),
});
