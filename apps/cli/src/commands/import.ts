// errata import: brings a checkpoint directory into the service.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

export function register(program: Command): void {
  program
    .command('import <name> <dir>')
    .description('import a model from a directory in Hugging Face layout')
    .option('--json', 'print the job as JSON')
    .action(async (name: string, dir: string, options: { json?: true }) => {
      const client = connect();
      const queued = await client.models.import({ name, path: resolve(dir) });
      const job = await followJob(client, queued.id, options.json);
      if (options.json) printJson(job);
      else console.log(outcomeOf(job));
      process.exitCode = exitCodeOfJob(job.state);
    });
}
