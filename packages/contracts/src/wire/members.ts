// Members of a project: people, for whom a provider of identities vouches, and API keys.
import { z } from 'zod';
import { pageQuerySchema, scopes } from './resource-parts.ts';

/** Names for scopes that go together, each with all of the one before it. */
export const roles = ['reader', 'editor', 'maintainer', 'admin'] as const;
export type Role = (typeof roles)[number];

const roleSchema = z.enum(roles).meta({ id: 'Role' });

export const memberKinds = ['person', 'key'] as const;
export type MemberKind = (typeof memberKinds)[number];

export const memberQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  kind: z.enum(memberKinds).optional(),
});

export const memberSchema = z
  .strictObject({
    /** That of the person or the key. */
    id: z.string(),
    object: z.literal('member'),
    kind: z.enum(memberKinds),
    name: z.string(),
    /** The role in the project; null of a key whose scopes are those of no role, and of a person who was removed. */
    role: roleSchema.nullable(),
    /** Of a person: the role that the provider of identities says, and that holds unless the project gave another; null where it says none. */
    provider_role: roleSchema.nullable(),
    /** Who gave a person the role, or took it: the provider or the project; null for keys. */
    given_by: z.enum(['provider', 'project']).nullable(),
    /** What it may do in the project. */
    scopes: z.array(z.enum(scopes)),
    /** Ids of the models that it is limited to; null where it is limited to none. */
    models: z.array(z.string()).nullable(),
    created_at: z.iso.datetime(),
    /** Null: it ends when it is revoked. */
    expires_at: z.iso.datetime().nullable(),
    /** To the minute; null where it never was. */
    last_used_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Member' });
export type MemberResource = z.output<typeof memberSchema>;

export const memberChangeSchema = z
  .strictObject({
    /** The role that holds in the project, whatever the provider says; null for the one that the provider says. */
    role: roleSchema.nullable(),
  })
  .meta({ id: 'MemberChange' });
export type MemberChange = z.input<typeof memberChangeSchema>;
