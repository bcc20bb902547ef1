// Members of a project: its keys and its people, and the roles of these.
import type { MemberKind, MemberResource, Role } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export interface MemberQuery extends PageQuery {
  readonly kind?: MemberKind | undefined;
}

export const members = ({ list, json, send }: Caller) => ({
  /** Of a project, by name or id: keys first. */
  list: (project: string, query: MemberQuery = {}) =>
    list<MemberResource>(at`/v1/projects/${project}/members`, { ...query }),
  /** Gives a person a role that holds whatever the provider of identities says; null gives back the one that it says. */
  setRole: (project: string, person: string, role: Role | null, call: CallOptions = {}) =>
    json<MemberResource>('PUT', at`/v1/projects/${project}/members/${person}`, { ...call, body: { role } }),
  /** Takes what a person may do in the project, at once. */
  async remove(project: string, person: string, call: CallOptions = {}): Promise<void> {
    await send('DELETE', at`/v1/projects/${project}/members/${person}`, call);
  },
});
