// Follows a job to its end with a live progress line.
import {
  changedNothing,
  type JobEvent,
  type JobResource,
  onlyShowing,
  type PlainError,
  reasonsOf,
} from '@errata/contracts';
import type { ErrataClient } from '@errata/sdk';
import colors from 'picocolors';
import { bar, oneLine, progressLine, short } from '../output/output.ts';

/** Waits until the job has ended or needs a person, showing its state and progress on stderr. */
export async function followJob(client: ErrataClient, id: string, quiet = false): Promise<JobResource> {
  const line = progressLine();
  const show = onlyShowing((event: JobEvent) => {
    const { done, total, phase } = event.data as { done?: number; total?: number; phase?: string };
    const progress = typeof done === 'number' && typeof total === 'number' ? bar(done, total) : '';
    if (!quiet) line.update(phase ?? event.state, progress);
  });
  const job = await client.jobs.wait(id, { onEvent: show, stopAt: ['awaiting_approval'] });
  if (!quiet) line.done();
  return job;
}

/** What an import found out about a model, of whatever is stored with a job. */
const asRemarks = (remarks: unknown): readonly string[] => (Array.isArray(remarks) ? remarks.map(String) : []);

/** How a job ended, in a line or a few. */
export function outcomeOf(job: JobResource): string {
  const paint =
    job.state === 'succeeded' || job.state === 'queued'
      ? colors.green
      : job.state === 'completed_with_errors' || job.state === 'awaiting_approval'
        ? colors.yellow
        : colors.red;
  const lines = [`${paint(job.state)} ${job.id}`];
  if (job.gate !== null) lines.push(...reasonsOf(job.gate).map((reason) => `  gate: ${reason}`));
  const error = job.error as PlainError | null;
  if (error !== null && job.state !== 'gated_out')
    lines.push(`  ${error.code}: ${error.message}`, ...error.errors.slice(0, 20).map(({ message }) => `  ${message}`));
  if (changedNothing(job)) lines.push('  nothing changed: the branch stays where it was');
  for (const remark of asRemarks(job.result?.remarks)) lines.push(`  ${colors.yellow('warning:')} ${oneLine(remark)}`);
  const { approval } = job;
  if (approval?.state === 'approved') lines.push(`  approved by ${approval.by}: ${approval.reason}`);
  if (job.state === 'awaiting_approval' && job.approval !== null) {
    const { version_id, expires_at } = job.approval;
    lines.push(
      `  the candidate passed its gate and would move the branch to ${short(version_id)}`,
      `  somebody else decides: errata approve ${job.id} --reason TEXT${expires_at === null ? '' : `, before ${expires_at}`}`,
    );
  }
  return lines.join('\n');
}
