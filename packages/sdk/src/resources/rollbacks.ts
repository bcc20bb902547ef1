// Rollbacks: a branch back to a version, or without some of its edits.
import type { JobResource, RollbackPlanRequest, RollbackPlanResource, RollbackRequest } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { CallOptions } from '../transport.ts';
import type { JobQuery } from './jobs.ts';

export const rollbacks = ({ post, list }: Caller) => ({
  /** What a rollback would do; nothing is changed. */
  plan: (request: RollbackPlanRequest, call?: CallOptions) =>
    post<RollbackPlanResource>('/v1/rollbacks/plan', request, call),
  create: (request: RollbackRequest, call?: CallOptions) => post<JobResource>('/v1/rollbacks', request, call),
  list: (query: Omit<JobQuery, 'kind'> = {}) => list<JobResource>('/v1/rollbacks', { ...query }),
});
