// Who reaches what: the projects and models of a caller, and which of these a thing belongs to, whatever it is named by.
import type { Scope } from '@errata/contracts';
import { clientOf, type Lineage } from '../database/client.ts';
import { findVersion } from '../history/versions.ts';
import { getModel } from '../models/models.ts';
import { getSchedule } from '../schedules/schedules.ts';
import { findProject } from './projects.ts';

/** Scopes that hold in a project, or for some models. */
export interface Grant {
  /** Id of a project that is reached as a whole; null where only models are. */
  readonly project: string | null;
  readonly scopes: readonly Scope[];
  /** Ids. */
  readonly models: readonly string[];
}

/** What a caller reaches; null for the whole service. */
export type Reach = readonly Grant[] | null;

/** The model or the project that a thing belongs to. */
export type Owner = { readonly model: string } | { readonly project: string };

/** By kind: how a thing is found. Null for what is not there, or belongs to the whole service. */
const owners = {
  project: async (db: Lineage, nameOrId: string) => ({ project: await findProject(db, nameOrId) }),
  key: async (db: Lineage, id: string) => {
    const key = await clientOf(db).apiKey.findUnique({ where: { id }, select: { projectId: true } });
    return key?.projectId == null ? null : { project: key.projectId };
  },
  model: async (db: Lineage, nameOrId: string) => ({ model: (await getModel(db, nameOrId)).resource.id }),
  version: async (db: Lineage, id: string) => ({ model: (await findVersion(db, id)).modelId }),
  schedule: async (db: Lineage, nameOrId: string) => ({ model: (await getSchedule(db, nameOrId)).model_id }),
  branch: (db: Lineage, id: string) => owner(clientOf(db).branch.findUnique({ where: { id } })),
  job: async (db: Lineage, id: string) => {
    const job = await clientOf(db).job.findUnique({
      where: { id },
      select: { kind: true, modelId: true, input: true },
    });
    // An import that has not ended has no model yet.
    const { project } = (job?.kind === 'import' ? job.input : {}) as { readonly project?: string };
    return job?.modelId == null && project !== undefined ? { project } : owner(Promise.resolve(job));
  },
  artefact: (db: Lineage, id: string) => owner(clientOf(db).artefact.findUnique({ where: { id } })),
  webhook: (db: Lineage, id: string) => owner(clientOf(db).webhook.findUnique({ where: { id } })),
  edit: async (db: Lineage, id: string) => {
    const row = await clientOf(db).edit.findUnique({ where: { id }, select: { job: { select: { modelId: true } } } });
    return owner(Promise.resolve(row?.job ?? null));
  },
} satisfies Record<string, (db: Lineage, id: string) => Promise<Owner | null>>;

async function owner(found: Promise<{ readonly modelId: string | null } | null>): Promise<Owner | null> {
  const model = (await found)?.modelId ?? null;
  return model === null ? null : { model };
}

export type OwnedKind = keyof typeof owners;

/**
 * What a thing belongs to; null where that is the whole service, or there is no such thing. `unknown_project`, `unknown_model`,
 * `unknown_version`, `unknown_schedule`.
 */
export const ownerOf = (db: Lineage, kind: OwnedKind, id: string): Promise<Owner | null> => owners[kind](db, id);
