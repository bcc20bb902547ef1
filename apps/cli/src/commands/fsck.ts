// errata fsck: checks everything that is stored; on the service, or, where that is down, on the database and the blobs themselves.
import { type CheckReport, checkReportSchema } from '@errata/contracts';
import { type Command, InvalidArgumentError } from 'commander';
import colors from 'picocolors';
import { exitCodeOfJob, exitCodes } from '../output/exit-codes.ts';
import { bar, printJson, progressLine } from '../output/output.ts';
import { connect, storesOfService } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

interface Options {
  quick?: true;
  snapshots?: true;
  offline?: true;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('fsck')
    .description(
      'check every digest, every blob that anything names, every chain, history, alias and tag; changes nothing',
    )
    .option('--quick', 'look at the lengths of blobs, not at their content')
    .option('--snapshots', 'also open every snapshot and compare it with the deltas it stands for')
    .option('--offline', 'without the service: on the database and the blobs themselves')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const report = options.offline === true ? await checkHere(options) : await checkThere(options);
      if (report === null) return;
      if (!report.ok) process.exitCode = exitCodes.failure;
      if (options.json) return printJson(report);
      for (const { kind, where, what } of report.problems) console.log(`${colors.red(kind)} ${where}\n  ${what}`);
      const { blobs, bytes, contributions, versions, moves, branches, jobs, audit_entries = 0 } = report.checked;
      const left = report.problem_count - report.problems.length;
      if (left > 0) console.log(`and ${left} more`);
      console.log(
        `${blobs} blobs (${bytes} bytes), ${contributions} contributions, ${versions} versions, ${moves} moves of ${branches} branches, ${jobs} jobs, ${audit_entries} entries of the audit log in ${report.seconds.toFixed(1)} s`,
      );
      if (report.unnamed.blobs > 0)
        console.log(
          `${report.unnamed.blobs} blobs (${report.unnamed.bytes} bytes) have no name; errata gc is for them`,
        );
      console.log(report.ok ? colors.green('all is well') : colors.red(`${report.problem_count} problems`));
    });
}

async function checkThere({ quick, snapshots, json }: Options): Promise<CheckReport | null> {
  const client = connect();
  const queued = await client.checks.create({ content: quick !== true, snapshots: snapshots === true });
  const job = await followJob(client, queued.id, json);
  const report = checkReportSchema.safeParse(job.result);
  if (report.success) return report.data;
  process.exitCode = exitCodeOfJob(job.state);
  if (json) printJson(job);
  else console.log(outcomeOf(job));
  return null;
}

async function checkHere({ quick, snapshots, json }: Options): Promise<CheckReport> {
  const { databaseUrl, blobs } = storesOfService();
  if (snapshots === true)
    throw new InvalidArgumentError('--snapshots opens models, which takes the service: leave --offline out');
  const [{ openBlobs }, { openLineage }, { checkEverything }] = await Promise.all([
    import('@errata/blobs'),
    import('@errata/lineage'),
    import('@errata/upkeep'),
  ]);
  const line = progressLine();
  const lineage = await openLineage(databaseUrl);
  try {
    return await checkEverything(lineage, await openBlobs(blobs), {
      content: quick !== true,
      onProgress: ({ phase, done, total }) => {
        if (json !== true) line.update(phase, bar(done, total));
      },
    });
  } finally {
    line.done();
    await lineage.close();
  }
}
