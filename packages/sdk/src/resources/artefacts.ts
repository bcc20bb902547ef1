// Artefacts: what editors read of a model beforehand.
import type { ArtefactRequest, ArtefactResource, JobResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export const artefacts = ({ get, post, list }: Caller) => ({
  create: (request: ArtefactRequest, call?: CallOptions) => post<JobResource>('/v1/artefacts', request, call),
  list: (query: PageQuery & { readonly model: string; readonly kind?: string }) =>
    list<ArtefactResource>('/v1/artefacts', { ...query }),
  get: (id: string, call?: CallOptions) => get<ArtefactResource>(at`/v1/artefacts/${id}`, call),
});
