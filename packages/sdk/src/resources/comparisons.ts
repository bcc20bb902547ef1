// Comparisons: two evaluations held against each other.
import type { ComparisonRequest, ComparisonResource, JobResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import { at, type CallOptions } from '../transport.ts';
import type { JobQuery } from './jobs.ts';

/** Two evaluations held against each other, as a job. */
export const comparisons = ({ get, post, list }: Caller) => ({
  create: (request: ComparisonRequest, call?: CallOptions) => post<JobResource>('/v1/comparisons', request, call),
  list: (query: Omit<JobQuery, 'kind' | 'parent' | 'branch'> = {}) =>
    list<ComparisonResource>('/v1/comparisons', { ...query }),
  get: (id: string, call?: CallOptions) => get<ComparisonResource>(at`/v1/comparisons/${id}`, call),
});
