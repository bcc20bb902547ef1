// Cherry-picking: a request that was made once is made again on another head, with its editor, settings and seed.
import { ErrataError, type JobResource, onErrorChoices } from '@errata/contracts';
import { z } from 'zod';
import type { Lineage } from '../database/client.ts';
import { editsOfJob } from '../jobs/edits.ts';
import { type OnBranch, submitEditJobWithin } from '../jobs/submit.ts';
import { requireNotErased } from '../upkeep/erase.ts';

export interface CherryPickSubmission extends OnBranch {
  /** An edit job, whatever became of it. */
  readonly job_id: string;
  /** Some of its edits; all when left out. */
  readonly edit_ids?: readonly string[] | undefined;
  readonly on_conflict: 'fail' | 'rebase';
}

const inputSchema = z.object({
  editor: z.string(),
  config: z.record(z.string(), z.unknown()),
  seed: z.int(),
  on_error: z.enum(onErrorChoices),
});

/**
 * Queues the request of an edit job once more, on any branch of any model. The new job has edits of its own and says where each came
 * from; what it is judged by is the gate of the branch it goes to. `unknown_job`, `unknown_edit`, `invalid_request` for jobs of other
 * kinds, and as for submitting edits.
 */
export async function submitCherryPick(db: Lineage, submission: CherryPickSubmission): Promise<JobResource> {
  const { job_id, edit_ids, ...onBranch } = submission;
  return db.prisma.$transaction(async (tx) => {
    const source = await tx.job.findUnique({ where: { id: job_id } });
    if (source === null) throw new ErrataError('unknown_job', `there is no job ${JSON.stringify(job_id)}`);
    if (source.kind !== 'edit') {
      const message = `${job_id} is of kind ${source.kind}: only the requests of edit jobs can be made again`;
      throw new ErrataError('invalid_request', message, {
        errors: [{ code: 'invalid_request', field: 'job_id', pointer: '/job_id', message }],
      });
    }
    await requireNotErased(tx, job_id);
    const stored = await editsOfJob(tx, job_id);
    const wanted = new Set(edit_ids ?? stored.map(({ id }) => id));
    const known = new Set(stored.map(({ id }) => id));
    for (const [index, id] of (edit_ids ?? []).entries()) {
      if (known.has(id)) continue;
      const message = `edit ${JSON.stringify(id)} is not one of ${job_id}`;
      throw new ErrataError('unknown_edit', message, {
        errors: [{ code: 'unknown_edit', pointer: `/edit_ids/${index}`, message }],
      });
    }
    const picked = stored.filter(({ id }) => wanted.has(id));
    return submitEditJobWithin(tx, {
      ...onBranch,
      ...inputSchema.parse(source.input),
      edits: picked.map(({ edit }) => edit),
      picked_from: { job_id, version_id: source.versionId, edit_ids: picked.map(({ id }) => id) },
    });
  });
}
