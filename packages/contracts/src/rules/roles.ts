// What may be done by each role in a project or in the whole service.
import { type Role, roles } from '../wire/members.ts';
import type { Scope } from '../wire/resource-parts.ts';

const reader = ['models:read'] as const satisfies readonly Scope[];
const editor = [...reader, 'edits:write', 'evals:write'] as const satisfies readonly Scope[];
const maintainer = [...editor, 'versions:rollback', 'aliases:write', 'approve'] as const satisfies readonly Scope[];

/** The scopes of each role. */
export const scopesOfRole = {
  reader,
  editor,
  maintainer,
  admin: [...maintainer, 'audit:read', 'admin'],
} as const satisfies Record<Role, readonly Scope[]>;

/** The role that has these scopes, neither more nor fewer; null where none has. */
export const roleOfScopes = (given: readonly Scope[]): Role | null =>
  roles.find((role) => {
    const held: readonly Scope[] = scopesOfRole[role];
    return held.length === given.length && held.every((scope) => given.includes(scope));
  }) ?? null;
