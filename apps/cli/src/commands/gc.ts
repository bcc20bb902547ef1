// errata gc: collects blobs that nothing names; says what it would do unless told to do it.
import { collectionReportSchema, defaultGraceHours } from '@errata/contracts';
import { type Command, InvalidArgumentError } from 'commander';
import colors from 'picocolors';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

const hours = (text: string): number => {
  const value = Number(text);
  if (!(value >= 0 && value <= 8760)) throw new InvalidArgumentError('must be a number of hours, 0 to 8760');
  return value;
};

export function register(program: Command): void {
  program
    .command('gc')
    .description('collect blobs that nothing names: marked when first found so, deleted after the grace period')
    .option('--dry-run', 'say what would be done, and do nothing (the default)')
    .option('--delete', 'mark, and delete what was marked a grace period ago')
    .option('--grace <hours>', 'how long a blob stays unnamed before it is deleted', hours, defaultGraceHours)
    .option('--json', 'print JSON')
    .action(async (options: { dryRun?: true; delete?: true; grace: number; json?: true }) => {
      const client = connect();
      const dry_run = options.delete !== true || options.dryRun === true;
      const queued = await client.collections.create({ dry_run, grace_hours: options.grace });
      const job = await followJob(client, queued.id, options.json);
      process.exitCode = exitCodeOfJob(job.state);
      if (options.json) return printJson(job.result ?? job);
      const parsed = collectionReportSchema.safeParse(job.result);
      if (!parsed.success) return console.log(outcomeOf(job));
      const report = parsed.data;
      const line = (what: string, { blobs, bytes }: { blobs: number; bytes: number }) =>
        console.log(`${what.padEnd(18)} ${String(blobs).padStart(8)} blobs  ${bytes} bytes`);
      line('named', report.named);
      line(dry_run ? 'to be marked' : 'marked', report.marked);
      line('marked, waiting', report.waiting);
      line(dry_run ? 'to be deleted' : 'deleted', report.deleted);
      if (report.snapshots_dropped > 0)
        console.log(
          `${report.snapshots_dropped} snapshots that nothing is opened from ${dry_run ? 'would be' : 'were'} let go`,
        );
      if (dry_run) console.log(colors.dim('nothing was changed; --delete does it'));
    });
}
