// Searches through a history: bisections and blame.
import type { BisectionRequest, BisectionResource, BlameRequest, BlameResource, JobResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import { at, type CallOptions } from '../transport.ts';
import type { JobQuery } from './jobs.ts';

/** Which move of a branch broke an answer. Queued as a job: follow it by `jobs.wait`, then read what it found. */
export const bisections = ({ get, post, list }: Caller) => ({
  create: (request: BisectionRequest, call?: CallOptions) => post<JobResource>('/v1/bisections', request, call),
  list: (query: Omit<JobQuery, 'kind' | 'parent'> = {}) => list<BisectionResource>('/v1/bisections', { ...query }),
  get: (id: string, call?: CallOptions) => get<BisectionResource>(at`/v1/bisections/${id}`, call),
});

/** Which edit made an answer, as a job in the same way. */
export const blame = ({ get, post, list }: Caller) => ({
  create: (request: BlameRequest, call?: CallOptions) => post<JobResource>('/v1/blame', request, call),
  list: (query: Omit<JobQuery, 'kind' | 'parent'> = {}) => list<BlameResource>('/v1/blame', { ...query }),
  get: (id: string, call?: CallOptions) => get<BlameResource>(at`/v1/blame/${id}`, call),
});
