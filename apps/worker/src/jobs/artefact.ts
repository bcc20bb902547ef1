// Artefact: second moments of a model's keys, built over a text and kept for the editors.
import { editorNames, requireEditor } from '@errata/editors/catalogue';
import { commitArtefacts, getModel } from '@errata/lineage';
import { z } from 'zod';
import type { JobRun } from '../attempts/job-run.ts';
import { buildSecondMoments, defaultSecondMomentLayers } from '../candidates/artefacts.ts';
import { modelDefaults } from '../models.ts';
import { readInput } from './input.ts';

const inputSchema = z.object({
  kind: z.literal('second_moment'),
  layers: z.array(z.int()).nullable(),
  editor: z.string().transform(requireEditor).nullable().default(null),
  corpus: z.string().nullable(),
  tokens: z.int().nullable(),
  ridge: z.number().nullable().default(null),
});

export async function buildArtefacts(run: JobRun): Promise<void> {
  const { layers, editor, ...source } = readInput(inputSchema, run.job);
  const { lineage, blobs } = run.context;
  if (run.job.model_id === null) throw new TypeError(`${run.job.id} is for no model`);
  const model = await getModel(lineage, run.job.model_id);
  const wanted =
    layers ??
    defaultSecondMomentLayers(editor === null ? editorNames : [editor], model, await modelDefaults(blobs, model));
  const artefacts = await buildSecondMoments(run, model, wanted, source);
  await run.move('committing');
  await commitArtefacts(lineage, run.lease, { jobId: run.job.id, artefacts });
  run.ended('succeeded');
}
