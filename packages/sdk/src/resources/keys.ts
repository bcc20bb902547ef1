// API keys: who may do what.
import type { CreatedKey, KeyRequest, KeyResource, KeyRotation } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export const keys = ({ post, list, send }: Caller) => ({
  /** Those that are valid. */
  list: (query: PageQuery = {}) => list<KeyResource>('/v1/keys', { ...query }),
  /** Makes a key. Its `token` is told here and never again. */
  create: (request: KeyRequest, call?: CallOptions) => post<CreatedKey>('/v1/keys', request, call),
  /** Makes the successor of a key, told here and never again; the old one ends after the grace period, a day unless given. */
  rotate: (key: string, request: KeyRotation = {}, call?: CallOptions) =>
    post<CreatedKey>(at`/v1/keys/${key}/rotate`, request, call),
  /** Makes a key worthless, at once. */
  async revoke(key: string, call: CallOptions = {}): Promise<void> {
    await send('DELETE', at`/v1/keys/${key}`, call);
  },
});
