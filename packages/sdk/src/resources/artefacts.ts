// Artefacts: what editors read of a model beforehand.
import type { ArtefactRequest, ArtefactResource, JobResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export const artefacts = ({ get, post, list, send }: Caller) => ({
  create: (request: ArtefactRequest, call?: CallOptions) => post<JobResource>('/v1/artefacts', request, call),
  list: (query: PageQuery & { readonly model: string; readonly kind?: string }) =>
    list<ArtefactResource>('/v1/artefacts', { ...query }),
  get: (id: string, call?: CallOptions) => get<ArtefactResource>(at`/v1/artefacts/${id}`, call),
  /** What it holds, as it comes: the file that its `blob` is the sha256 of. */
  async content(id: string, call: CallOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const options = { ...call, accept: 'application/octet-stream', streaming: true };
    return (await send('GET', at`/v1/artefacts/${id}/content`, options)).body!;
  },
});
