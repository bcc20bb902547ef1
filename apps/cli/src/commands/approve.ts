// errata approve and errata reject: a person decides upon a candidate that waits for one.
import type { Command } from 'commander';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

interface Options {
  reason: string;
  wait: boolean;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('approve <job>')
    .description('approve the candidate of a job; not with the key that submitted it')
    .requiredOption('--reason <text>', 'why; it is kept with the job')
    .option('--no-wait', 'return as soon as it is approved')
    .option('--json', 'print JSON')
    .action(async (id: string, options: Options) => {
      const client = connect();
      const approved = await client.jobs.approve(id, options.reason);
      const job = options.wait ? await followJob(client, id, options.json) : approved;
      if (options.wait) process.exitCode = exitCodeOfJob(job.state);
      if (options.json) return printJson(job);
      console.log(outcomeOf(job));
      if (job.version_id !== null) console.log(`  version ${job.version_id}`);
    });

  program
    .command('reject <job>')
    .description('turn the candidate of a job down')
    .requiredOption('--reason <text>', 'why; it is kept with the job')
    .option('--json', 'print JSON')
    .action(async (id: string, options: Omit<Options, 'wait'>) => {
      const job = await connect().jobs.reject(id, options.reason);
      if (options.json) printJson(job);
      else console.log(outcomeOf(job));
    });
}
