// Tags: names of versions that never move.
import type { TagRequest, TagResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export const tags = ({ get, post, list, send }: Caller) => ({
  list: (model: string, query: PageQuery = {}) => list<TagResource>(at`/v1/models/${model}/tags`, { ...query }),
  get: (model: string, tag: string, call?: CallOptions) => get<TagResource>(at`/v1/models/${model}/tags/${tag}`, call),
  /** Names a version for good. */
  create: (model: string, request: TagRequest, call?: CallOptions) =>
    post<TagResource>(at`/v1/models/${model}/tags`, request, call),
  async delete(model: string, tag: string, call: CallOptions = {}): Promise<void> {
    await send('DELETE', at`/v1/models/${model}/tags/${tag}`, call);
  },
});
