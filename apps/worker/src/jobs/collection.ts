// Collection: blobs that nothing names any more are marked, and deleted after the grace period.
import { collectionRequestSchema } from '@errata/contracts';
import { commitReport } from '@errata/lineage';
import { collectGarbage } from '@errata/upkeep';
import type { JobRun } from '../attempts/job-run.ts';
import { readInput } from './input.ts';

const msPerHour = 3_600_000;

export async function collect(run: JobRun): Promise<void> {
  const { dry_run, grace_hours } = readInput(collectionRequestSchema, run.job);
  const { lineage, blobs } = run.context;
  const report = await collectGarbage(lineage, blobs, {
    dryRun: dry_run,
    graceMs: grace_hours * msPerHour,
    signal: run.signal,
    onProgress: (progress) => run.report(progress),
  });
  await run.move('committing');
  await commitReport(lineage, run.lease, { jobId: run.job.id, outcome: 'succeeded', report });
  run.ended('succeeded');
}
