// errata revert: takes edits, jobs or versions back, and says whether that was exact.
import { changedNothing, ErrataError } from '@errata/contracts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseReference } from '../arguments/references.ts';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson } from '../output/output.ts';
import { howReverted } from '../output/reverted.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

interface Options {
  mode: 'exact' | 'subtract';
  reason: string;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('revert <model[@branch]> <id...>')
    .description('take edits (edit_...), jobs (job_...) or versions (ver_...) back; what came after them stays')
    .addOption(
      new Option(
        '--mode <mode>',
        'exact: as if they had never been asked for, by replaying what came after; subtract: their deltas are dropped, an approximation that must pass the gate',
      )
        .choices(['exact', 'subtract'])
        .default('exact'),
    )
    .requiredOption('--reason <text>', 'why; it is kept in the log')
    .option('--json', 'print JSON')
    .action(async (reference: string, ids: string[], { mode, reason, json }: Options) => {
      const { model, at: branch } = parseReference(reference);
      const client = connect();
      const kinds = new Set(ids.map((id) => (id.startsWith('edit_') ? 'edit' : 'version')));
      if (kinds.size !== 1) throw new InvalidArgumentError('revert edits, or jobs and versions, not both at once');
      const versions = async () => {
        const found: string[] = [];
        for (const id of ids) found.push(id.startsWith('job_') ? await versionOfJob(id) : id);
        return found;
      };
      const versionOfJob = async (id: string) => {
        const job = await client.jobs.get(id);
        const { version_id, state } = job;
        if (version_id !== null && !changedNothing(job)) return version_id;
        throw new ErrataError('invalid_request', `${id} is ${state} and has changed nothing that could be taken back`);
      };
      const target = kinds.has('edit') ? { revert_edit_ids: ids } : { revert_version_ids: await versions() };
      const queued = await client.rollbacks.create({ model, branch, mode, reason, ...target });
      const job = await followJob(client, queued.id, json);
      process.exitCode = exitCodeOfJob(job.state);
      if (json) return printJson(job);
      console.log(outcomeOf(job));
      for (const line of howReverted(job)) console.log(`  ${line}`);
      if (job.version_id !== null) console.log(`  ${model}@${branch} is at ${job.version_id}`);
    });
}
