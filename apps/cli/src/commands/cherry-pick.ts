// errata cherry-pick: makes a request that was made once again on another head.
import { ErrataError } from '@errata/contracts';
import type { ErrataClient } from '@errata/sdk';
import type { Command } from 'commander';
import { parseReference, versionNamed } from '../arguments/references.ts';
import { exitCodeOfJob, exitCodes } from '../output/exit-codes.ts';
import { costLine, metricsTable } from '../output/metrics-table.ts';
import { printJson } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

export function register(program: Command): void {
  program
    .command('cherry-pick <model[@branch]> <id...>')
    .description(
      'make the requests of edit jobs (job_...), of single edits (edit_...) or of what made a version (ver_... or MODEL@NAME) again on a branch',
    )
    .option('--json', 'print JSON')
    .action(async (reference: string, ids: string[], options: { json?: true }) => {
      const { model, at: branch } = parseReference(reference);
      const client = connect();
      const picked = [];
      for (const request of await requestsOf(client, ids)) {
        const queued = await client.cherryPicks.create({ model, branch, ...request });
        const job = await followJob(client, queued.id, options.json);
        picked.push(job);
        if (!options.json) {
          console.log(`${outcomeOf(job)}\n  picked from ${request.job_id}`);
          if (job.summary !== null) console.log(`\n${metricsTable(job.summary)}\n\n${costLine(job.summary)}`);
          if (job.version_id !== null) console.log(`  ${model}@${branch} is at ${job.version_id}`);
        }
        const code = exitCodeOfJob(job.state);
        if (code === exitCodes.success) continue;
        // What comes next was asked for on top of this.
        process.exitCode = code;
        break;
      }
      if (options.json) printJson(picked);
    });
}

interface Picked {
  readonly job_id: string;
  readonly edit_ids?: string[];
}

/** One request a job, in the order in which the jobs are first named. */
async function requestsOf(client: ErrataClient, ids: readonly string[]): Promise<readonly Picked[]> {
  const byJob = new Map<string, string[] | undefined>();
  for (const id of ids) {
    if (!id.startsWith('edit_')) {
      byJob.set(await jobNamed(client, id), undefined);
      continue;
    }
    const { job_id } = await client.edits.get(id);
    if (byJob.has(job_id) && byJob.get(job_id) === undefined) continue; // the whole job is picked
    byJob.set(job_id, [...(byJob.get(job_id) ?? []), id]);
  }
  return [...byJob].map(([job_id, edit_ids]) => ({ job_id, ...(edit_ids === undefined ? {} : { edit_ids }) }));
}

/** A job itself, or the one that made a version. @throws ErrataError `invalid_request` for a version that no job made */
async function jobNamed(client: ErrataClient, id: string): Promise<string> {
  if (id.startsWith('job_')) return id;
  if (!id.startsWith('ver_') && !id.includes('@'))
    throw new ErrataError(
      'invalid_request',
      `${JSON.stringify(id)} is none of job_..., edit_..., ver_... and MODEL@NAME`,
    );
  const version = await client.versions.get(await versionNamed(client, id));
  if (version.job_id !== null) return version.job_id;
  throw new ErrataError(
    'invalid_request',
    `${version.id} is the model as it was imported: there is no request to make again`,
  );
}
