// Members of a project: the keys that are for it, and the people who have a role in it.
import {
  ErrataError,
  type MemberKind,
  type MemberResource,
  type Page,
  type Role,
  roleOfScopes,
  type Scope,
  scopesOfRole,
} from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import { type Lineage, type Tx, within } from '../database/client.ts';
import { idCursor, type PageRequest, pageOf } from '../database/pages.ts';
import type { Prisma, Project } from '../generated/client.ts';
import { validNow } from './keys.ts';
import { isPerson, readMemberships, roleIn, standingIn } from './memberships.ts';
import { projectRow } from './projects.ts';

/**
 * Those of a project that are valid: keys first, each kind the oldest first. Whoever reaches the whole service is a member of none. The cursor is
 * an id. `unknown_project`.
 */
export async function listMembers(
  db: Lineage,
  nameOrId: string,
  page: PageRequest & { readonly kind?: MemberKind | undefined } = {},
): Promise<Page<MemberResource>> {
  const limit = page.limit ?? 20;
  const project = await projectRow(db, nameOrId);
  const rows = await db.prisma.apiKey.findMany({
    where: {
      ...validNow(),
      id: {
        ...(page.kind === undefined ? {} : { startsWith: `${page.kind}_` }),
        ...(page.after === undefined ? {} : { gt: idCursor(page.after, 'key', 'person') }),
      },
      AND: { OR: [{ projectId: project.id }, peopleOf(project)] },
    },
    include: givenIn(project),
    orderBy: { id: 'asc' },
    take: limit + 1,
  });
  return pageOf(
    rows,
    limit,
    ({ id }) => id,
    (row) => memberResource(row, project),
  );
}

/**
 * Gives a person a role in a project, which holds there whatever the provider says; null goes back to what that says. `unknown_project`,
 * `not_found`; `invalid_request` for who has a role in the whole service.
 */
export const giveRole = (db: Lineage, nameOrId: string, personId: string, role: Role | null): Promise<MemberResource> =>
  within(db, async (tx) => {
    const project = await projectRow(tx, nameOrId);
    const before = await personIn(tx, project, personId);
    const where = { personId, projectId: project.id };
    if (role === null) await tx.givenRole.deleteMany({ where });
    else await putRole(tx, where, role);
    const after = await personIn(tx, project, personId);
    const details = { project_id: project.id, role: after.role, given_by: after.given_by, role_before: before.role };
    if (after.role !== before.role || after.given_by !== before.given_by)
      await noteAct(tx, { act: 'member.changed', subject: personId, details });
    return after;
  });

/** Takes what a person may do in a project, whatever the provider says now or later. Errors as of {@link giveRole}. */
export const removeMember = (db: Lineage, nameOrId: string, personId: string): Promise<void> =>
  within(db, async (tx) => {
    const project = await projectRow(tx, nameOrId);
    const { role: role_before } = await personIn(tx, project, personId);
    if (role_before === null) throw nobody(personId, `with a role in ${project.name}`);
    await putRole(tx, { personId, projectId: project.id }, null);
    await noteAct(tx, { act: 'member.removed', subject: personId, details: { project_id: project.id, role_before } });
  });

async function putRole(tx: Tx, which: { readonly personId: string; readonly projectId: string }, role: Role | null) {
  const where = { personId_projectId: which };
  await tx.givenRole.upsert({ where, create: { ...which, role }, update: { role } });
}

/** A person as they stand in a project, if only without a role, who does not change until the transaction ends. */
async function personIn(tx: Tx, project: Project, id: string): Promise<MemberResource> {
  await tx.$executeRaw`SELECT 1 FROM api_keys WHERE id = ${id} FOR NO KEY UPDATE`;
  const row = await tx.apiKey.findFirst({ where: { id, ...validNow() }, include: givenIn(project) });
  if (row === null || !isPerson(id)) throw nobody(id, 'here; keys keep the scopes that they were made with');
  if (roleIn(readMemberships(id, row.memberships), null) !== null)
    throw new ErrataError(
      'invalid_request',
      `${JSON.stringify(row.name)} has a role in the whole service: it holds in every project`,
    );
  return memberResource(row, project);
}

const nobody = (id: string, which: string) =>
  new ErrataError('not_found', `there is no person ${JSON.stringify(id)} ${which}`);

/** Of a person, what the project gave them. */
const givenIn = ({ id }: Project) => ({ given: { where: { projectId: id } } });

/** People with a role in it, who were given it or removed, but for those with one in the whole service. */
const peopleOf = ({ id, name }: Project): Prisma.ApiKeyWhereInput => ({
  OR: [{ memberships: { array_contains: [{ project: name }] } }, { given: { some: { projectId: id } } }],
  NOT: { memberships: { array_contains: [{ project: null }] } },
});

/** With what the project gave them. */
type MemberRow = Prisma.ApiKeyGetPayload<{ include: { given: true } }>;

function memberResource(row: MemberRow, project: Project): MemberResource {
  const { id, name, models, createdAt, expiresAt, lastUsedAt } = row;
  return {
    id,
    object: 'member',
    kind: isPerson(id) ? 'person' : 'key',
    name,
    ...(isPerson(id) ? heldByPerson(row, project) : heldByKey(row)),
    models: models.length === 0 ? null : models,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
    last_used_at: lastUsedAt?.toISOString() ?? null,
  };
}

type Held = Pick<MemberResource, 'role' | 'scopes' | 'provider_role' | 'given_by'>;

function heldByPerson({ id, memberships, given }: MemberRow, { name }: Project): Held {
  const standing = standingIn({ name, given }, id, readMemberships(id, memberships));
  return { ...standing, scopes: standing.role === null ? [] : [...scopesOfRole[standing.role]] };
}

function heldByKey({ scopes }: MemberRow): Held {
  const held = scopes as Scope[];
  return { role: roleOfScopes(held), scopes: held, provider_role: null, given_by: null };
}
