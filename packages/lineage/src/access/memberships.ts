// The roles of people: how they are kept, and what may be done by them where.
import { type Role, type Scope, scopesOfRole } from '@errata/contracts';
import { z } from 'zod';
import type { Lineage } from '../database/client.ts';
import { readStored } from '../database/stored.ts';
import type { Reach } from './reach.ts';

/** A role in a project, by its name; null for the whole service. */
export interface Membership {
  readonly project: string | null;
  readonly role: Role;
}

/** In the order of PostgreSQL's jsonb. */
export const stored = (memberships: readonly Membership[]) =>
  memberships.map(({ project, role }) => ({ role, project }));

const storedMemberships = z.array(
  z.object({ project: z.string().nullable(), role: z.enum(Object.keys(scopesOfRole) as [Role, ...Role[]]) }),
);

/** What a person may do where. Who has a role in the whole service has that one alone. */
export async function grantsOf(
  db: Lineage,
  id: string,
  given: unknown,
): Promise<{ readonly scopes: readonly Scope[]; readonly reach: Reach }> {
  const memberships = readStored(storedMemberships, given, `the memberships of ${id}`);
  const scopesIn = (project: string | null): readonly Scope[] => [
    ...new Set(memberships.filter((each) => each.project === project).flatMap(({ role }) => scopesOfRole[role])),
  ];
  if (memberships.some(({ project }) => project === null)) return { scopes: scopesIn(null), reach: null };
  const projects = await db.prisma.project.findMany({
    where: { name: { in: memberships.flatMap(({ project }) => project ?? []) } },
    select: { id: true, name: true, models: { select: { id: true } } },
  });
  const reach = projects.map((project) => ({
    project: project.id,
    scopes: scopesIn(project.name),
    models: project.models.map((model) => model.id),
  }));
  return { scopes: [...new Set(reach.flatMap(({ scopes }) => scopes))], reach };
}
