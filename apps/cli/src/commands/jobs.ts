// errata jobs: lists jobs; shows, follows, cancels or retries one.
import type { JobKind, JobState } from '@errata/contracts';
import { jobKinds, jobStates } from '@errata/contracts';
import { type Command, Option } from 'commander';
import { atLeastOne } from '../arguments/numbers.ts';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

export function register(program: Command): void {
  const jobs = program.command('jobs').description('list jobs, newest first');
  jobs
    .option('-m, --model <model>', 'only of this model')
    .option('-b, --branch <branch>', 'only of this branch')
    .addOption(new Option('--state <state>', 'only in this state').choices(jobStates))
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(jobKinds))
    .option('--limit <n>', 'how many', atLeastOne, 20)
    .option('--json', 'print JSON')
    .action(
      async (options: {
        model?: string;
        branch?: string;
        state?: JobState;
        kind?: JobKind;
        limit: number;
        json?: true;
      }) => {
        const { json, limit, ...query } = options;
        const found = await connect().jobs.list(query).all(limit);
        if (json) return printJson(found);
        const rows = found.map((job) => [job.id, job.kind, job.state, job.branch ?? '-', job.attempts, job.created_at]);
        console.log(table(['job', 'kind', 'state', 'branch', 'attempts', 'created'], rows));
      },
    );

  for (const verb of ['cancel', 'retry'] as const) {
    jobs
      .command(`${verb} <job>`)
      .description(
        verb === 'cancel' ? 'cancel a job that has not been committed' : 'queue a failed or cancelled job again',
      )
      .option('--json', 'print JSON')
      .action(async (id: string, options: { json?: true }) => {
        const job = await connect().jobs[verb](id);
        if (options.json) printJson(job);
        else console.log(`${job.state} ${job.id}`);
      });
  }

  jobs
    .command('follow <job>')
    .description('follow a job to its end')
    .option('--json', 'print JSON')
    .action(async (id: string, options: { json?: true }) => {
      const job = await followJob(connect(), id, options.json);
      if (options.json) printJson(job);
      else console.log(outcomeOf(job));
      process.exitCode = exitCodeOfJob(job.state);
    });
}
