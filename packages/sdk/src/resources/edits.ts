// Edits as they were applied.
import type { EditDetail } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import { at, type CallOptions } from '../transport.ts';

export const edits = ({ get }: Caller) => ({
  /** An edit with its result, and the branches on whose heads it acts. */
  get: (edit: string, call?: CallOptions) => get<EditDetail>(at`/v1/edits/${edit}`, call),
});
