// Cherry-picks: an edit job's request made again on another head.
import type { CherryPickRequest, JobResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { CallOptions } from '../transport.ts';

export const cherryPicks = ({ post }: Caller) => ({
  /** Makes an edit job's request again on another head. */
  create: (request: CherryPickRequest, call?: CallOptions) => post<JobResource>('/v1/cherry_picks', request, call),
});
