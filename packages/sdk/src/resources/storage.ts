// What the service keeps, in bytes.
import type { StorageResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { CallOptions } from '../transport.ts';

/** How much is stored, of what, and how much room is left. */
export const storage =
  ({ get }: Caller) =>
  (call: CallOptions = {}): Promise<StorageResource> =>
    get<StorageResource>('/v1/storage', call);
