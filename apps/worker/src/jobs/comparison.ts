// Comparison: two evaluations that are done, held against each other case by case.
import { ErrataError, type JobResource } from '@errata/contracts';
import { commitSearch, getJob, readCases } from '@errata/lineage';
import { z } from 'zod';
import type { JobRun } from '../attempts/job-run.ts';
import { readInput } from './input.ts';

const inputSchema = z.object({ one: z.string(), other: z.string() });

export async function compare(run: JobRun): Promise<void> {
  const { lineage } = run.context;
  const { one, other } = readInput(inputSchema, run.job);
  const resultsOf = async (id: string) => {
    requireDone(await getJob(lineage, id));
    return (await readCases(lineage, id)).flatMap(({ result }) => result ?? []);
  };
  const result = await run.call(
    'compareResults',
    { one: await resultsOf(one), other: await resultsOf(other) },
    'compare',
  );
  await run.move('committing');
  await commitSearch(lineage, run.lease, { jobId: run.job.id, result });
  run.ended('succeeded');
}

/** An evaluation that was done may have been sent back to the queue since. */
function requireDone({ id, state }: JobResource): void {
  if (state === 'succeeded' || state === 'completed_with_errors') return;
  throw new ErrataError('invalid_request', `evaluation ${id} is ${state}: compare it when it is done`);
}
