// Artefact: what editors need of a model beforehand, built from what a person chose and kept for the editors.
import type { ArtefactNeed } from '@errata/contracts';
import {
  artefactJobFields,
  artefactKindNames,
  artefactNeeds,
  describeArtefact,
  editorNames,
  needKey,
  parentsOf,
  resolveConfig,
} from '@errata/editors/catalogue';
import { commitArtefacts, getModel } from '@errata/lineage';
import { z } from 'zod';
import type { JobRun } from '../attempts/job-run.ts';
import { buildArtefacts, providedArtefacts } from '../candidates/artefacts.ts';
import { modelDefaults, modelShape } from '../models.ts';
import { readInput } from './input.ts';

const inputSchema = z.looseObject({
  kind: z.enum(artefactKindNames),
  editor: z.enum(editorNames).nullable().default(null),
});

export async function buildArtefactJob(run: JobRun): Promise<void> {
  const { kind, editor, ...input } = readInput(inputSchema, run.job);
  const { lineage, blobs } = run.context;
  if (run.job.model_id === null) throw new TypeError(`${run.job.id} is for no model`);
  const model = await getModel(lineage, run.job.model_id);
  const defaults = await modelDefaults(blobs, model);
  const fields = artefactJobFields(kind, input);
  const { chosenBy, chosen } = describeArtefact(kind);

  /** Those that editors need with their default settings for this model. */
  const neededBy = (names: typeof editorNames): readonly ArtefactNeed[] => {
    const shape = modelShape(model);
    const seed = typeof fields.seed === 'number' ? fields.seed : 0;
    const needs = names.flatMap((name) => artefactNeeds(name, resolveConfig(name, shape, defaults, {}), shape, seed));
    const theirs = new Map(needs.filter((need) => need.kind === kind).map((need) => [needKey(need), need]));
    const inOrder = [...theirs].sort(([one], [other]) => one.localeCompare(other, 'en', { numeric: true }));
    return inOrder.map(([, need]) => need);
  };
  const needs = fields[chosenBy] === undefined ? neededBy(editor === null ? editorNames : [editor]) : chosen(fields);
  const parents = await providedArtefacts(run, model, defaults, parentsOf(needs));
  const artefacts = await buildArtefacts(run, model, kind, needs, fields, parents);
  await run.move('committing');
  await commitArtefacts(lineage, run.lease, { jobId: run.job.id, artefacts });
  run.ended('succeeded');
}
