// Artefacts for a job: those stored already, and those that are missing built on the way.
import { type ArtefactNeed, type ArtefactResource, type ArtefactUse, ErrataError } from '@errata/contracts';
import {
  describeArtefact,
  type ModelDefaults,
  needKey,
  type Provided,
  provideArtefacts,
} from '@errata/editors/catalogue';
import { findArtefact, listArtefacts, type NewArtefact, recordArtefacts, type StoredModel } from '@errata/lineage';
import type { JobRun } from '../attempts/job-run.ts';
import { modelReference } from '../models.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Has the engine build artefacts of a kind from what a request says, and describes them as lineage keeps them. */
export async function buildArtefacts(
  run: JobRun,
  model: StoredModel,
  kind: string,
  needs: readonly ArtefactNeed[],
  request: Fields,
  parents: readonly Provided<ArtefactResource>[],
): Promise<readonly NewArtefact[]> {
  const { artefacts } = await run.call(
    'buildArtefacts',
    { model: modelReference(model), kind, needs, request, parents: parents.map(useOf) },
    kind,
  );
  const ids = parents.map(({ kept }) => kept.id);
  return artefacts.map((built) => ({ kind, parents: ids, ...built }));
}

/**
 * An artefact for each need: the newest stored one that was built as they are today, and what is missing built from what the model
 * brought along, and stored.
 * @throws ErrataError `artefact_missing`, saying how to build it, when one is missing and the model came without a text that it takes
 */
export async function providedArtefacts(
  run: JobRun,
  model: StoredModel,
  defaults: ModelDefaults,
  needs: readonly ArtefactNeed[],
): Promise<readonly Provided<ArtefactResource>[]> {
  const { lineage } = run.context;
  const { id, name } = model.resource;
  return provideArtefacts<ArtefactResource>(needs, {
    async find(wanted) {
      const found: (ArtefactResource | null)[] = [];
      for (const { kind, scope, parameters } of wanted) {
        const { format } = describeArtefact(kind);
        found.push(await findArtefact(lineage, id, { kind, scope, parameters: { format, ...parameters } }));
      }
      return found;
    },
    async build(kind, missing, parents) {
      if (defaults.corpus === undefined) {
        const scopes = missing.map(({ scope }) => scope);
        const outdated = (await listArtefacts(lineage, id, { kind, scopes }, { limit: 1 })).data.length > 0;
        const advice = describeArtefact(kind).withoutText(missing, { name, outdated });
        if (advice !== null)
          throw new ErrataError('artefact_missing', advice.message, {
            details: { kind, model: name, ...advice.details },
          });
      }
      const artefacts = await buildArtefacts(run, model, kind, missing, {}, parents);
      return recordArtefacts(lineage, run.lease, { jobId: run.job.id, artefacts });
    },
  });
}

/**
 * The artefacts that edits are made with: those recorded when they were made before, and for what else is needed as
 * {@link providedArtefacts}.
 */
export async function artefactsFor(
  run: JobRun,
  model: StoredModel,
  defaults: ModelDefaults,
  needs: readonly ArtefactNeed[],
  recorded: readonly ArtefactUse[] = [],
): Promise<readonly ArtefactUse[]> {
  const known = new Set(recorded.map(needKey));
  const others = needs.filter((need) => !known.has(needKey(need)));
  return [...recorded, ...(await providedArtefacts(run, model, defaults, others)).map(useOf)];
}

const useOf = ({ need, kept }: Provided<ArtefactResource>): ArtefactUse => ({ ...need, blob: kept.blob });
