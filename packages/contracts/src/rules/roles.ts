// Roles: names for scopes that go together, by which people are let into a project or the whole service.
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
} as const satisfies Record<string, readonly Scope[]>;

export type Role = keyof typeof scopesOfRole;
export const roles = Object.keys(scopesOfRole) as readonly Role[];
