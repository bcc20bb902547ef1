// Names of a model, and what they stand for.
import type { ReferenceResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import { at, type CallOptions } from '../transport.ts';

/** What a name of a model, or the beginning of a version's id, stands for now. */
export const resolve =
  ({ get }: Caller) =>
  (model: string, reference: string, call?: CallOptions) =>
    get<ReferenceResource>(at`/v1/models/${model}/references/${reference}`, call);
