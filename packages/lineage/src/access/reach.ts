// Which model a thing belongs to, whatever it is named by: for keys that reach some models alone.
import { clientOf, type Lineage } from '../database/client.ts';
import { findVersion } from '../history/versions.ts';
import { getModel } from '../models/models.ts';
import { getSchedule } from '../schedules/schedules.ts';

type Owned = { readonly modelId: string | null } | null;

/** By kind: how a thing is found. Null for what is not there, or is no model's. */
const owners = {
  model: async (db: Lineage, nameOrId: string) => (await getModel(db, nameOrId)).resource.id,
  version: async (db: Lineage, id: string) => (await findVersion(db, id)).modelId,
  schedule: async (db: Lineage, nameOrId: string) => (await getSchedule(db, nameOrId)).model_id,
  branch: (db: Lineage, id: string) => owner(clientOf(db).branch.findUnique({ where: { id } })),
  job: (db: Lineage, id: string) => owner(clientOf(db).job.findUnique({ where: { id } })),
  artefact: (db: Lineage, id: string) => owner(clientOf(db).artefact.findUnique({ where: { id } })),
  webhook: (db: Lineage, id: string) => owner(clientOf(db).webhook.findUnique({ where: { id } })),
  edit: async (db: Lineage, id: string) => {
    const row = await clientOf(db).edit.findUnique({ where: { id }, select: { job: { select: { modelId: true } } } });
    return row?.job.modelId ?? null;
  },
} satisfies Record<string, (db: Lineage, id: string) => Promise<string | null>>;

const owner = async (found: Promise<Owned>): Promise<string | null> => (await found)?.modelId ?? null;

export type OwnedKind = keyof typeof owners;

/** The id of the model that a thing belongs to; null where it is none's, or there is no such thing. `unknown_model`, `unknown_version`, `unknown_schedule`. */
export const modelOf = (db: Lineage, kind: OwnedKind, id: string): Promise<string | null> => owners[kind](db, id);
