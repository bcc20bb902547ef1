// What answers to a name that completions take: all of it in one statement, since whoever asks waits for it.
import { type VersionSource, versionPrefix } from '@errata/contracts';
import { boundedProject } from '../access/projects.ts';
import type { Bounded } from '../access/quotas.ts';
import { clientOf, type Db } from '../database/client.ts';
import { Prisma } from '../generated/client.ts';
import { type OpeningStep, openingChain, openingStep, sourceAt, sourceOf } from '../history/contributions.ts';
import { getModel, modelFiles, type OpenableModel, unknownModel } from '../models/models.ts';
import { type Place, resolveReference, selectNamed, unknownReference } from './references.ts';

/** A version that is to answer. */
export interface Served extends Place {
  readonly model: OpenableModel;
  readonly project: Bounded;
  readonly source: VersionSource;
}

interface ServedRow {
  readonly id: string;
  readonly name: string;
  readonly digest: string;
  readonly files: unknown;
  readonly project: Bounded;
  /** Null, as are all that follow, where the model has nothing of the name. */
  readonly version: string | null;
  readonly tip: string | null;
  readonly steps: readonly OpeningStep[] | null;
}

/**
 * The version that a reference of a model stands for now, and how it is opened.
 * @param reference as {@link resolveReference} takes it
 * @throws ErrataError `unknown_model`, `unknown_reference`, `unknown_version`
 */
export async function findServed(db: Db, nameOrId: string, reference: string): Promise<Served> {
  if (reference.startsWith(versionPrefix)) {
    const model = await getModel(db, nameOrId);
    const { id, digest, project_id } = model.resource;
    const { version, tip } = await resolveReference(db, id, reference);
    return {
      version,
      tip,
      model,
      project: await boundedProject(db, project_id),
      source: await sourceAt(db, digest, tip),
    };
  }
  // What has the id comes first, as it does wherever a model is looked up.
  const [row] = await clientOf(db).$queryRaw<ServedRow[]>`/* prepared */
    WITH RECURSIVE model AS (
      SELECT id, name, digest, files, project_id FROM models WHERE name = ${nameOrId} OR id = ${nameOrId}
      ORDER BY (id = ${nameOrId}) DESC LIMIT 1
    ), named AS (
      SELECT * FROM (${selectNamed(Prisma.sql`(SELECT id FROM model)`, reference)}) AS any_kind LIMIT 1
    ), chain AS (${openingChain(Prisma.sql`c.id = (SELECT tip FROM named)`)}
    )
    SELECT model.id, model.name, digest, files, named.version, named.tip,
      (SELECT json_build_object('id', p.id, 'name', p.name, 'quotas', p.quotas) FROM projects p WHERE p.id = project_id) AS project,
      (SELECT json_agg(step) FROM (SELECT ${openingStep} FROM chain ORDER BY depth) AS step) AS steps
    FROM model LEFT JOIN named ON true`;
  if (row === undefined) throw unknownModel(nameOrId);
  const { id, name, digest, project, version, tip, steps } = row;
  if (version === null) throw unknownReference(reference);
  return {
    version,
    tip,
    project,
    model: { resource: { id, name, digest }, files: modelFiles(row) },
    source: sourceOf(digest, steps ?? []),
  };
}
