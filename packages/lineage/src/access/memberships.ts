// The roles of people: how they are kept, and what may be done by them where.
import { type Role, roles, type Scope, scopesOfRole } from '@errata/contracts';
import { z } from 'zod';
import type { Lineage } from '../database/client.ts';
import { readStored } from '../database/stored.ts';
import type { Reach } from './reach.ts';

/** Whether an id of the table of keys is that of a person. */
export const isPerson = (id: string): boolean => id.startsWith('person_');

/** A role in a project, by its name; null for the whole service. */
export interface Membership {
  readonly project: string | null;
  readonly role: Role;
}

/** In the order of PostgreSQL's jsonb. */
export const stored = (memberships: readonly Membership[]) =>
  memberships.map(({ project, role }) => ({ role, project }));

const storedMemberships = z.array(z.object({ project: z.string().nullable(), role: z.enum(roles) }));

/** What the provider told last of a person. */
export const readMemberships = (id: string, given: unknown): readonly Membership[] =>
  readStored(storedMemberships, given, `the memberships of ${id}`);

/** The greatest role that somebody has in a project, by its name, or in the whole service; null where that is none. */
export const roleIn = (memberships: readonly Membership[], project: string | null): Role | null =>
  roles.findLast((role) => memberships.some((each) => each.project === project && each.role === role)) ?? null;

/** Selects what a project gave to somebody. */
const givenTo = (personId: string) => ({ where: { personId }, select: { role: true } });

/** What holds of somebody in a project. */
export interface Standing {
  readonly role: Role | null;
  /** What the provider says. */
  readonly provider_role: Role | null;
  readonly given_by: 'provider' | 'project';
}

const givenRole = z.enum(roles).nullable();

/** @param given what the project gave to the person: nothing, or one row */
export function standingIn(
  { name, given }: { readonly name: string; readonly given: readonly { readonly role: string | null }[] },
  id: string,
  memberships: readonly Membership[],
): Standing {
  const provider_role = roleIn(memberships, name);
  const [own] = given;
  if (own === undefined) return { role: provider_role, provider_role, given_by: 'provider' };
  const role = readStored(givenRole, own.role, `the role of ${id} in ${name}`);
  return { role, provider_role, given_by: 'project' };
}

/** What a person may do where. Who has a role in the whole service has that one alone. */
export async function grantsOf(
  db: Lineage,
  id: string,
  given: unknown,
): Promise<{ readonly scopes: readonly Scope[]; readonly reach: Reach }> {
  const memberships = readMemberships(id, given);
  const whole = roleIn(memberships, null);
  if (whole !== null) return { scopes: scopesOfRole[whole], reach: null };
  const named = { name: { in: memberships.flatMap(({ project }) => project ?? []) } };
  const projects = await db.prisma.project.findMany({
    where: { OR: [named, { given: { some: { personId: id } } }] },
    select: { id: true, name: true, models: { select: { id: true } }, given: givenTo(id) },
  });
  const reach = projects.flatMap((project) => {
    const { role } = standingIn(project, id, memberships);
    if (role === null) return [];
    return [{ project: project.id, scopes: scopesOfRole[role], models: project.models.map((model) => model.id) }];
  });
  return { scopes: [...new Set(reach.flatMap(({ scopes }) => scopes))], reach };
}
