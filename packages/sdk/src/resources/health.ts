// Whether the service can be used at all.
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
