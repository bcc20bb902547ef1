// Models as they were imported.
import type { ImportRequest, JobResource, ListedModel } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export const models = ({ get, post, list }: Caller) => ({
  /** Every name that completions take: each model, and with each of its branches, aliases and tags. `limit` counts models. */
  list: (query: PageQuery = {}) => list<ListedModel>('/v1/models', { ...query }),
  /** By name or id, or as something of it serves: `name@branch`. */
  get: (model: string, call?: CallOptions) => get<ListedModel>(at`/v1/models/${model}`, call),
  /** Queues the import of a model from the worker's machine or from the hub. */
  import: (request: ImportRequest, call?: CallOptions) => post<JobResource>('/v1/models', request, call),
});
