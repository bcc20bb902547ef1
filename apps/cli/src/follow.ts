// Follows a job to its end with a live progress line.
import { type JobEvent, type JobResource, type PlainError, reasonsOf } from '@errata/contracts';
import type { ErrataClient } from '@errata/sdk';
import colors from 'picocolors';
import { bar, progressLine } from './output.ts';

/** Waits for the job, showing its state and progress on stderr. */
export async function followJob(client: ErrataClient, id: string, quiet = false): Promise<JobResource> {
  const line = progressLine();
  const show = (event: JobEvent) => {
    const { done, total, phase } = event.data as { done?: number; total?: number; phase?: string };
    const progress = typeof done === 'number' && typeof total === 'number' ? bar(done, total) : '';
    if (!quiet) line.update(phase ?? event.state, progress);
  };
  const job = await client.jobs.wait(id, { onEvent: show });
  if (!quiet) line.done();
  return job;
}

/** How a job ended, in a line or a few. */
export function outcomeOf(job: JobResource): string {
  const paint =
    job.state === 'succeeded' ? colors.green : job.state === 'completed_with_errors' ? colors.yellow : colors.red;
  const lines = [`${paint(job.state)} ${job.id}`];
  if (job.gate !== null) lines.push(...reasonsOf(job.gate).map((reason) => `  gate: ${reason}`));
  const error = job.error as PlainError | null;
  if (error !== null && job.state !== 'gated_out')
    lines.push(`  ${error.code}: ${error.message}`, ...error.errors.slice(0, 20).map(({ message }) => `  ${message}`));
  return lines.join('\n');
}
