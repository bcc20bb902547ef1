// Jobs: everything that takes its time, followed to its end.
import {
  type EditRecord,
  type EditResult,
  isTerminal,
  type JobEvent,
  type JobKind,
  type JobResource,
  type JobState,
} from '@errata/contracts';
import type { Caller } from '../caller.ts';
import { type EventsOptions, followEvents } from '../events.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export interface JobQuery extends PageQuery {
  readonly kind?: JobKind | undefined;
  readonly state?: JobState | undefined;
  /** Model name or id. */
  readonly model?: string | undefined;
  readonly branch?: string | undefined;
  /** Shards of this job; they are in no other list. */
  readonly parent?: string | undefined;
}

/** A line of a job's results. */
export interface JobResult {
  readonly position: number;
  readonly custom_id: string;
  readonly edit_id: string;
  /** Null while there is none. */
  readonly result: EditResult | null;
}

export interface WaitOptions extends CallOptions {
  /** Called for each event as it arrives, those of the past first. */
  readonly onEvent?: (event: JobEvent) => void;
  /** States to return at although the job has not ended: `awaiting_approval`, say, in which it may stay for days. */
  readonly stopAt?: readonly JobState[] | undefined;
}

export const jobs = (api: Caller) => ({
  list: (query: JobQuery = {}) => api.list<JobResource>('/v1/jobs', { ...query }),
  get: (id: string, call?: CallOptions) => api.get<JobResource>(at`/v1/jobs/${id}`, call),
  /** The edits of a job in input order, with their results once there are some. */
  edits: (id: string, query: PageQuery = {}) => api.list<EditRecord>(at`/v1/jobs/${id}/edits`, { ...query }),
  /** One for each edit, in input order. */
  async results(id: string, call: CallOptions = {}): Promise<JobResult[]> {
    const response = await api.send('GET', at`/v1/jobs/${id}/results`, {
      ...call,
      accept: 'application/x-ndjson',
    });
    const lines = (await response.text()).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as JobResult);
  },
  /** Events from the beginning (or after an id) until the job has ended; resumes by itself. */
  events: (id: string, follow?: EventsOptions) => followEvents(api, id, follow),
  cancel: (id: string, call?: CallOptions) => api.post<JobResource>(at`/v1/jobs/${id}/cancel`, {}, call),
  retry: (id: string, call?: CallOptions) => api.post<JobResource>(at`/v1/jobs/${id}/retry`, {}, call),
  /** Lets the candidate of a job that waits for an approval through; not with the key that submitted it. */
  approve: (id: string, reason: string, call?: CallOptions) =>
    api.post<JobResource>(at`/v1/jobs/${id}/approve`, { reason }, call),
  reject: (id: string, reason: string, call?: CallOptions) =>
    api.post<JobResource>(at`/v1/jobs/${id}/reject`, { reason }, call),
  /** Follows a job to its end and returns it. How it ended is for the caller to read. */
  async wait(id: string, { onEvent, signal, stopAt = [] }: WaitOptions = {}): Promise<JobResource> {
    let after = 0;
    for (;;) {
      for await (const event of followEvents(api, id, { after, signal })) {
        after = event.id;
        onEvent?.(event);
        if (!stopAt.includes(event.state)) continue;
        // The event may be an old one, which the job has left behind.
        const stopped = await api.get<JobResource>(at`/v1/jobs/${id}`, { signal });
        if (stopAt.includes(stopped.state)) return stopped;
      }
      const job = await api.get<JobResource>(at`/v1/jobs/${id}`, { signal });
      // Someone may have sent an ended job back to the queue since.
      if (isTerminal(job.state)) return job;
    }
  },
});
