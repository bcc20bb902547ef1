// The audit log: every act, in the order in which it was sealed.
import type { AuditAct, AuditEntry } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';

export interface AuditQuery extends PageQuery {
  readonly act?: AuditAct | undefined;
  /** Id of an API key. */
  readonly actor?: string | undefined;
  /** Id of what it was done to. */
  readonly subject?: string | undefined;
}

export const audit = ({ list }: Caller) => ({
  list: (query: AuditQuery = {}) => list<AuditEntry>('/v1/audit', { ...query }),
});
