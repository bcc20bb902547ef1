// errata reset: returns a branch to a version it has had.
import type { Command } from 'commander';
import { parseReference } from '../arguments/references.ts';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

export function register(program: Command): void {
  program
    .command('reset <model[@branch]> <version|name>')
    .description('return a branch to a version of its history, to its exact bytes; what came after is kept in the log')
    .requiredOption('--reason <text>', 'why; it is kept in the log')
    .option('--json', 'print JSON')
    .action(async (reference: string, target: string, options: { reason: string; json?: true }) => {
      const { model, at: branch } = parseReference(reference);
      const client = connect();
      const { version_id: to_version } = await client.resolve(model, target);
      const queued = await client.rollbacks.create({
        model,
        branch,
        mode: 'reset',
        reason: options.reason,
        to_version,
      });
      const job = await followJob(client, queued.id, options.json);
      process.exitCode = exitCodeOfJob(job.state);
      if (options.json) return printJson(job);
      console.log(outcomeOf(job));
      if (job.version_id !== null) console.log(`  ${model}@${branch} is at ${job.version_id}, bit for bit as it was`);
    });
}
