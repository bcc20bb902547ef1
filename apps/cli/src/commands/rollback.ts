// errata rollback: takes edits back, or returns a branch to an earlier version.
import type { RollbackMode } from '@errata/contracts';
import { rollbackModes } from '@errata/contracts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseReference } from '../arguments/references.ts';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

interface Options {
  to?: string;
  edit?: string[];
  version?: string[];
  mode?: RollbackMode;
  reason: string;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('rollback <model[@branch]>')
    .description('return a branch to a version, or take single edits or versions back')
    .option('--to <version>', 'the version to return to (mode reset)')
    .option('--edit <id...>', 'edits to take back')
    .option('--version <id...>', 'versions to take back')
    .addOption(
      new Option(
        '--mode <mode>',
        'exact replays what came after; subtract drops the deltas and must pass the gate',
      ).choices(rollbackModes),
    )
    .requiredOption('--reason <text>', 'why; it is kept in the log')
    .option('--json', 'print JSON')
    .action(async (reference: string, options: Options) => {
      if ([options.to, options.edit, options.version].filter((given) => given !== undefined).length !== 1) {
        throw new InvalidArgumentError('give exactly one of --to, --edit and --version');
      }
      const { model, at: branch } = parseReference(reference);
      const client = connect();
      const queued = await client.rollbacks.create({
        model,
        branch,
        mode: options.mode ?? (options.to === undefined ? 'exact' : 'reset'),
        reason: options.reason,
        ...(options.to === undefined ? {} : { to_version: options.to }),
        ...(options.edit === undefined ? {} : { revert_edit_ids: options.edit }),
        ...(options.version === undefined ? {} : { revert_version_ids: options.version }),
      });
      const job = await followJob(client, queued.id, options.json);
      process.exitCode = exitCodeOfJob(job.state);
      if (options.json) return printJson(job);
      console.log(outcomeOf(job));
      if (job.version_id !== null) console.log(`  ${model}@${branch} is at ${job.version_id}`);
    });
}
