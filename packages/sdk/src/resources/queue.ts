// The queue as a whole: what waits, who works and at what, and why work ended badly.
import type { Failures, QueueResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import { at, type CallOptions } from '../transport.ts';

export const queue = ({ get, json, send }: Caller) => ({
  /** What waits, and the workers with what each is at. */
  get: (call?: CallOptions) => get<QueueResource>('/v1/queue', call),
  /**
   * Jobs that failed, were rejected or gated out, by their cause.
   * @param query.since a time in ISO 8601 that they ended from; seven days ago when left out
   */
  failures: (query: { readonly since?: string | undefined } = {}, call: CallOptions = {}) =>
    json<Failures>('GET', '/v1/failures', { ...call, query }),
  /** Has a worker take no more, and end when what it is at has ended. */
  async drain(worker: string, call: CallOptions = {}): Promise<void> {
    await send('POST', at`/v1/workers/${worker}/drain`, call);
  },
});
