// Projects: they own models, keys are for them, and quotas bound what is asked of their models together.
import {
  defaultProject,
  ErrataError,
  type Page,
  type ProjectResource,
  type Quotas,
  type SomeQuotas,
  storedQuotasSchema,
} from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import { clientOf, type Db, isUniqueViolation, type Lineage, within } from '../database/client.ts';
import { idFirst, newId } from '../database/ids.ts';
import { type PageRequest, pageOf } from '../database/pages.ts';
import { readStored } from '../database/stored.ts';
import type { Prisma, Project as ProjectRow } from '../generated/client.ts';
import { unknownModel } from '../models/models.ts';
import { type Bounded, usageOf } from './quotas.ts';

/** The id of a project. `unknown_project` when there is none of this name or id. */
export const findProject = async (db: Db, nameOrId: string): Promise<string> => (await projectRow(db, nameOrId)).id;

/** A project with what is used of its quotas. `unknown_project`. */
export const getProject = async (db: Db, nameOrId: string): Promise<ProjectResource> =>
  resource(db, await projectRow(db, nameOrId));

/** Projects by name, or those of some ids. The cursor is a name. */
export async function listProjects(
  db: Lineage,
  page: PageRequest & { readonly ids?: readonly string[] | undefined } = {},
): Promise<Page<ProjectResource>> {
  const limit = page.limit ?? 20;
  const rows = await db.prisma.project.findMany({
    where: {
      ...(page.after === undefined ? {} : { name: { gt: page.after } }),
      ...(page.ids === undefined ? {} : { id: { in: [...page.ids] } }),
    },
    orderBy: { name: 'asc' },
    take: limit + 1,
  });
  const found = pageOf(
    rows,
    limit,
    ({ name }) => name,
    (row) => row,
  );
  return { ...found, data: await Promise.all(found.data.map((row) => resource(db, row))) };
}

/** `name_taken`. */
export const createProject = (db: Lineage, name: string, quotas: SomeQuotas = {}): Promise<ProjectResource> =>
  named(name, () =>
    within(db, async (tx) => {
      const row = await tx.project.create({ data: { id: newId('project'), name, quotas: bounded(quotas) } });
      await noteAct(tx, { act: 'project.created', subject: row.id, details: { name, quotas } });
      return resource(tx, row);
    }),
  );

/** Changes what is given of a project. `unknown_project`, `name_taken`; `invalid_request` for another name of the default one. */
export const changeProject = (
  db: Lineage,
  nameOrId: string,
  { name, quotas = {} }: { readonly name?: string | undefined; readonly quotas?: SomeQuotas | undefined },
): Promise<ProjectResource> =>
  named(name ?? nameOrId, () =>
    within(db, async (tx) => {
      const { id } = await projectRow(tx, nameOrId);
      if (id === defaultProject.id && name !== undefined && name !== defaultProject.name)
        throw new ErrataError('invalid_request', `the project "${defaultProject.name}" keeps its name`);
      await tx.$executeRaw`SELECT 1 FROM projects WHERE id = ${id} FOR NO KEY UPDATE`;
      const before = await tx.project.findUniqueOrThrow({ where: { id } });
      const row = await tx.project.update({
        where: { id },
        data: { ...(name === undefined ? {} : { name }), quotas: bounded({ ...quotasOf(before), ...quotas }) },
      });
      await noteAct(tx, { act: 'project.changed', subject: id, details: { name, quotas } });
      return resource(tx, row);
    }),
  );

/** Gives a model to a project. `unknown_project`, `unknown_model`. */
export const moveModel = (db: Lineage, nameOrId: string, model: string): Promise<ProjectResource> =>
  within(db, async (tx) => {
    const project = await projectRow(tx, nameOrId);
    const found = idFirst(await tx.model.findMany({ where: { OR: [{ name: model }, { id: model }] } }), model);
    if (found === null) throw unknownModel(model);
    if (found.projectId !== project.id) {
      await tx.model.update({ where: { id: found.id }, data: { projectId: project.id } });
      const details = { from_project_id: found.projectId, to_project_id: project.id };
      await noteAct(tx, { act: 'model.moved', subject: found.id, model: found.id, details });
    }
    return resource(tx, project);
  });

/** A project with those of its quotas that it has. */
export async function boundedProject(db: Db, id: string): Promise<Bounded> {
  const row = await clientOf(db).project.findUniqueOrThrow({ where: { id } });
  return { id, name: row.name, quotas: quotasOf(row) };
}

/** `unknown_project`. */
export async function projectRow(db: Db, nameOrId: string): Promise<ProjectRow> {
  const found = await clientOf(db).project.findMany({ where: { OR: [{ name: nameOrId }, { id: nameOrId }] } });
  const row = idFirst(found, nameOrId);
  if (row === null) throw new ErrataError('unknown_project', `there is no project ${JSON.stringify(nameOrId)}`);
  return row;
}

async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new ErrataError('name_taken', `there already is a project ${JSON.stringify(name)}`);
  }
}

/** As they are stored: what has no bound is left out, so that a project without any is found by that. */
const bounded = (quotas: SomeQuotas): Prisma.InputJsonObject =>
  Object.fromEntries(Object.entries(quotas).filter(([, bound]) => bound !== null && bound !== undefined));

const quotasOf = ({ id, quotas }: ProjectRow): Quotas => readStored(storedQuotasSchema, quotas, `the quotas of ${id}`);

const resource = async (db: Db, row: ProjectRow): Promise<ProjectResource> => ({
  id: row.id,
  object: 'project',
  name: row.name,
  models: await clientOf(db).model.count({ where: { projectId: row.id } }),
  quotas: quotasOf(row),
  usage: await usageOf(clientOf(db), row.id),
  created_at: row.createdAt.toISOString(),
});
