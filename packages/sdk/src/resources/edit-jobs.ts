// Edit jobs: batches of corrections, planned, tried or applied.
import type { EditJobRequest, EditPlan, JobResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { CallOptions } from '../transport.ts';

export const editJobs = ({ post }: Caller) => ({
  create: (request: Omit<EditJobRequest, 'dry_run' | 'level'>, call?: CallOptions) =>
    post<JobResource>('/v1/edit_jobs', request, call),
  /** Edits, evaluates and judges in a job, and commits nothing. */
  try: (request: Omit<EditJobRequest, 'dry_run' | 'level'>, call?: CallOptions) =>
    post<JobResource>('/v1/edit_jobs', { ...request, dry_run: true, level: 'compute' }, call),
  /** Checks everything, queues nothing. */
  plan: (request: Omit<EditJobRequest, 'dry_run' | 'level'>, call?: CallOptions) =>
    post<EditPlan>('/v1/edit_jobs', { ...request, dry_run: true }, call),
});
