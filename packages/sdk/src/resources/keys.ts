// API keys: who may do what.
import type { CreatedKey, KeyRequest, KeyResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export const keys = ({ post, list, send }: Caller) => ({
  /** Those that are valid. */
  list: (query: PageQuery = {}) => list<KeyResource>('/v1/keys', { ...query }),
  /** Makes a key. Its `token` is told here and never again. */
  create: (request: KeyRequest, call?: CallOptions) => post<CreatedKey>('/v1/keys', request, call),
  /** Makes a key worthless, at once. */
  async revoke(key: string, call: CallOptions = {}): Promise<void> {
    await send('DELETE', at`/v1/keys/${key}`, call);
  },
});
