// Edits as they were asked for and applied.
import type { EditDetail, Erasure, ErasureRequest, FoundEdit } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export interface EditQuery extends PageQuery {
  /** Model name or id. */
  readonly model?: string | undefined;
  readonly branch?: string | undefined;
  /** Occurs in the prompt, the subject or the new answer, in any case. */
  readonly text?: string | undefined;
  readonly subject?: string | undefined;
  /** Who asked for it: the id of an API key, or the name that one or several have or had. */
  readonly created_by?: string | undefined;
  /** Times in ISO 8601 that jobs were submitted from and before. */
  readonly since?: string | undefined;
  readonly before?: string | undefined;
}

export const edits = ({ get, post, list }: Caller) => ({
  /** Searches all edits that were asked for, newest first; trials are left out. */
  list: (query: EditQuery = {}) => list<FoundEdit>('/v1/edits', { ...query }),
  /** An edit with its result, and the branches on whose heads it acts. */
  get: (edit: string, call?: CallOptions) => get<EditDetail>(at`/v1/edits/${edit}`, call),
  /** Erases the texts of edits that nothing holds any more, for good. */
  erase: (request: ErasureRequest, call?: CallOptions) => post<Erasure>('/v1/erasures', request, call),
});
