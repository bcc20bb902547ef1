// Whether the service can be used at all, and how it is.
import type { HealthResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { CallOptions } from '../transport.ts';

/** Whether the service answers and can reach what it needs. */
export const ready =
  ({ send }: Caller) =>
  async (call: CallOptions = {}): Promise<boolean> => {
    try {
      await send('GET', '/readyz', { ...call, maxRetries: 0 });
      return true;
    } catch {
      call.signal?.throwIfAborted();
      return false;
    }
  };

/** What the service needs and how soon that answers, its build, its vitals and its last upkeep. */
export const health =
  ({ get }: Caller) =>
  (call: CallOptions = {}): Promise<HealthResource> =>
    get<HealthResource>('/v1/health', call);
