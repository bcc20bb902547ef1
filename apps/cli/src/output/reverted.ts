// What a revert did, in words: exact or an approximation, and why.
import type { JobResource } from '@errata/contracts';
import { z } from 'zod';

const resultSchema = z.object({
  reverted: z.array(z.string()).default([]),
  approximate: z.boolean().default(false),
  replayed: z.array(z.object({ job_id: z.string(), edits: z.int() })).default([]),
  already_holds: z.array(z.string()).default([]),
  measured: z.object({ edits: z.int(), of: z.int() }).optional(),
});

/** Lines about a rollback of mode `exact` or `subtract` that has ended; none about one that left no result. */
export function howReverted(job: JobResource): readonly string[] {
  const parsed = resultSchema.safeParse(job.result);
  if (!parsed.success || parsed.data.reverted.length === 0) return [];
  const { reverted, approximate, replayed, measured, already_holds: held } = parsed.data;
  const what = `${reverted.length} edit${reverted.length === 1 ? '' : 's'}`;
  if (approximate) {
    const rest =
      measured === undefined ? '' : `; ${measured.edits} of the ${measured.of} edits that stay were measured`;
    return [`${what} subtracted: an approximation, since others were computed with them in place${rest}`];
  }
  const again = replayed.reduce((sum, { edits }) => sum + edits, 0) - held.length;
  const jobs = `${replayed.length} job${replayed.length === 1 ? '' : 's'}`;
  const how =
    again === 0
      ? 'nothing had to be applied again'
      : `${again} later edits of ${jobs} applied again, as if these had never been asked for`;
  return [
    `${what} taken back exactly: ${how}`,
    ...(held.length === 0
      ? []
      : [`what these asked for holds by itself now, and they are left out: ${held.join(', ')}`]),
  ];
}
