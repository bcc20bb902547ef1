// Edit: corrections become deltas, the candidate is measured against its parent, and only what passes the gate moves the branch.
import { gatePolicySchema, onErrorChoices, toPlainError } from '@errata/contracts';
import { artefactNeeds, requireEditor, resolveConfig } from '@errata/editors/catalogue';
import { failpoint } from '@errata/failpoints';
import { finishJob, openBranchWork } from '@errata/lineage';
import { z } from 'zod';
import type { JobRun } from '../attempts/job-run.ts';
import { artefactsFor } from '../candidates/artefacts.ts';
import { workBatch } from '../candidates/batch.ts';
import { gateOf, isUnchanged } from '../candidates/candidate.ts';
import { commitApproved, conclude } from '../candidates/conclude.ts';
import { reuse, workDigest } from '../candidates/reuse.ts';
import { modelDefaults, modelShape } from '../models.ts';
import { readInput } from './input.ts';

/** The input of an edit job, as far as carrying it out, now or in a replay, depends on it. */
export const editInputSchema = z.object({
  editor: z.string().transform(requireEditor),
  config: z.record(z.string(), z.unknown()),
  seed: z.int(),
  on_error: z.enum(onErrorChoices),
  gate: gatePolicySchema.nullable(),
  trial: z.boolean().default(false),
  force: z.boolean().default(false),
});

export async function applyEditJob(run: JobRun): Promise<void> {
  const input = readInput(editInputSchema, run.job);
  const { editor, config: overrides, seed, on_error, gate: own } = input;
  const { lineage, blobs } = run.context;
  const work = await openBranchWork(lineage, run.job);
  await failpoint('edit.before');
  if (await commitApproved(run, work)) return;
  const { model, branch, parent, edits } = work;
  const defaults = await modelDefaults(blobs, model);
  const shape = modelShape(model);
  const config = resolveConfig(editor, shape, defaults, overrides);
  const artefacts = await artefactsFor(run, model, defaults, artefactNeeds(editor, config, shape, seed));

  const request = { jobId: run.job.id, edits, editor, config, seed, on_error, artefacts };
  const gate = gateOf(work, own);
  const reused = input.force ? null : await reuse(run, model.resource.id, parent, request, gate);
  const batch = reused?.batch ?? (await workBatch(run, model, parent.ground, request, gate));
  const { ground, refusal, sifting } = batch;
  const found = {
    summary: batch.summary,
    gate: batch.verdict,
    editResults: batch.results,
    result: {
      // What a replay needs to do the same again.
      editor,
      config: batch.config,
      seed,
      artefacts,
      work_digest: workDigest(parent.version, request, gate),
      ...(reused === null ? {} : { reused_job_id: reused.job_id }),
      ...(sifting === null ? {} : { bisection: sifting }),
    },
  };
  if (ground === null) {
    const error = toPlainError(refusal);
    await finishJob(lineage, run.lease, { jobId: run.job.id, from: run.state(), to: 'gated_out', error, ...found });
    return run.ended('gated_out');
  }
  const outcome = batch.withErrors ? 'completed_with_errors' : 'succeeded';
  const unchanged = isUnchanged({ parent: parent.ground, ground });
  if (input.trial || unchanged) {
    await run.move('committing');
    // Where nothing changed there is nothing to commit, whatever the branch's policy asks of what moves it.
    const stays = input.trial ? {} : { version_id: parent.version, parent_version_id: parent.version };
    await finishJob(lineage, run.lease, { jobId: run.job.id, from: run.state(), to: outcome, ...found, ...stays });
    return run.ended(outcome);
  }
  await conclude(run, branch, { parent: parent.version, kind: 'edit', ground, outcome, ...found });
}
