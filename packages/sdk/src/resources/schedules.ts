// Schedules: when the inbox of a branch becomes a batch, and what came of it.
import type { ScheduleChange, ScheduleRequest, ScheduleResource, ScheduleRun } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export interface ScheduleQuery extends PageQuery {
  /** Model name or id. */
  readonly model?: string | undefined;
  readonly branch?: string | undefined;
}

/** What a trigger came to: a run, or a tick that waits for the job of an earlier one. */
export interface Triggered {
  readonly object: 'schedule_trigger';
  readonly outcome: 'ran' | 'buffered';
  readonly run: ScheduleRun | null;
}

export const schedules = ({ get, post, list, json, send }: Caller) => ({
  create: (request: ScheduleRequest, call?: CallOptions) => post<ScheduleResource>('/v1/schedules', request, call),
  list: (query: ScheduleQuery = {}) => list<ScheduleResource>('/v1/schedules', { ...query }),
  /** By name or id, as in all that follow. */
  get: (schedule: string, call?: CallOptions) => get<ScheduleResource>(at`/v1/schedules/${schedule}`, call),
  /** Only what is given changes. */
  change: (schedule: string, change: ScheduleChange, call: CallOptions = {}) =>
    json<ScheduleResource>('PATCH', at`/v1/schedules/${schedule}`, { ...call, body: change }),
  async delete(schedule: string, call: CallOptions = {}): Promise<void> {
    await send('DELETE', at`/v1/schedules/${schedule}`, call);
  },
  pause: (schedule: string, call?: CallOptions) =>
    post<ScheduleResource>(at`/v1/schedules/${schedule}/pause`, undefined, call),
  resume: (schedule: string, call?: CallOptions) =>
    post<ScheduleResource>(at`/v1/schedules/${schedule}/resume`, undefined, call),
  /** Runs it now; the run is decided before the answer. */
  trigger: (schedule: string, call?: CallOptions) =>
    post<Triggered>(at`/v1/schedules/${schedule}/trigger`, undefined, call),
  /** Newest first. */
  runs: (schedule: string, query: PageQuery = {}) =>
    list<ScheduleRun>(at`/v1/schedules/${schedule}/runs`, { ...query }),
});
