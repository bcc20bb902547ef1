// The inbox of a branch: edits that wait for a schedule.
import type { EditInput, InboxEdit, InboxReceipt, InboxState } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

/** An edit as an inbox takes it: without a `custom_id` it is given one. */
export type InboxInput = Omit<EditInput, 'custom_id'> & { readonly custom_id?: string };

export interface InboxQuery extends PageQuery {
  readonly state?: InboxState | readonly InboxState[] | undefined;
}

export const inbox = ({ get, post, list, json }: Caller) => ({
  /** Leaves edits in the inbox of a branch (by its id): one, several, or the text of a JSONL file. */
  add: (
    branchId: string,
    edits: InboxInput | readonly InboxInput[] | string,
    { priority, ...call }: CallOptions & { readonly priority?: number | undefined } = {},
  ) =>
    json<InboxReceipt>('POST', at`/v1/branches/${branchId}/inbox`, {
      ...call,
      query: { priority },
      body: edits,
      ...(typeof edits === 'string' ? { contentType: 'application/x-ndjson' } : {}),
    }),
  /** Newest first. */
  list: (branchId: string, { state, ...page }: InboxQuery = {}) =>
    list<InboxEdit>(at`/v1/branches/${branchId}/inbox`, {
      ...page,
      state: typeof state === 'string' || state === undefined ? state : state.join(','),
    }),
  get: (branchId: string, id: string, call?: CallOptions) =>
    get<InboxEdit>(at`/v1/branches/${branchId}/inbox/${id}`, call),
  /** Takes an edit that waits out again. */
  withdraw: (branchId: string, id: string, call: CallOptions = {}) =>
    json<InboxEdit>('DELETE', at`/v1/branches/${branchId}/inbox/${id}`, call),
  /** Decides a contradiction in favour of this edit. */
  keep: (branchId: string, id: string, call?: CallOptions) =>
    post<InboxEdit>(at`/v1/branches/${branchId}/inbox/${id}/keep`, undefined, call),
});
