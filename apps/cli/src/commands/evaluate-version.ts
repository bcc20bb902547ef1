// errata evaluate: measures any version on the service against another. (errata eval carries protocols out in this process.)
import { derivedSuites, ErrataError, type EvaluationRequest, type Priority } from '@errata/contracts';
import { type Command, Option } from 'commander';
import colors from 'picocolors';
import { writeText } from '../arguments/files.ts';
import { editCases, questionCases } from '../arguments/given-cases.ts';
import { atLeastOne, wholeNumber } from '../arguments/numbers.ts';
import { priorityOption } from '../arguments/priority.ts';
import { collectSetting, placeOf } from '../arguments/references.ts';
import { changedLines, meansTable } from '../output/evaluations.ts';
import { exitCodeOfJob, exitCodes } from '../output/exit-codes.ts';
import { printJson, short } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

interface Options {
  edits?: string;
  layout?: string;
  limit?: number;
  probes?: string;
  suite?: string;
  against: string;
  shards?: number;
  needs?: string[];
  priority: Priority;
  gate?: true;
  editor?: string;
  protocol?: 'single' | 'batch' | 'lifelong';
  batch?: number;
  set?: Record<string, unknown>;
  seed?: number;
  csv?: string;
  report?: string;
  wait: boolean;
  json?: true;
}

/** The options that say what is asked, for any command that evaluates. */
export async function suiteOf({
  edits,
  probes,
  suite,
  layout,
  limit,
}: Pick<Options, 'edits' | 'probes' | 'suite' | 'layout' | 'limit'>): Promise<Partial<EvaluationRequest>> {
  if (edits === undefined && (layout !== undefined || limit !== undefined))
    throw new ErrataError('invalid_request', '--layout and --limit are about the file of --edits: give one');
  return {
    ...(edits === undefined ? {} : await editCases({ file: edits, layout, limit })),
    ...(probes === undefined ? {} : await questionCases(probes)),
    ...(suite === undefined ? {} : { suite }),
  };
}

/** The options that say how an editor is evaluated. */
function editorOf({ editor, protocol, batch, set, seed }: Options): Partial<EvaluationRequest> {
  const size = batch ?? 1;
  const protocols = {
    single: { kind: 'single' },
    batch: { kind: 'batch', size },
    lifelong: { kind: 'lifelong', batch: size },
  } as const;
  return {
    ...(editor === undefined ? {} : { editor }),
    ...(protocol === undefined ? {} : { protocol: protocols[protocol] }),
    ...(set === undefined ? {} : { config: set }),
    ...(seed === undefined ? {} : { seed }),
  };
}

export function register(program: Command): void {
  program
    .command('evaluate <model[@branch|@version]>')
    .description('measure a version on the service against another; nothing is edited and no branch moves')
    .addOption(
      new Option(
        '--edits <file>',
        'ask about these edits and their probes: one edit a line, or a published data set (errata data layouts)',
      ).conflicts('suite'),
    )
    .option('--layout <name>', 'the layout of that file; recognised when left out')
    .option('--limit <n>', 'its first records only', atLeastOne)
    .addOption(
      new Option(
        '--probes <file>',
        'ask this: prompts with answers, or items of a suite (errata data convert --as suite)',
      ).conflicts('suite'),
    )
    .addOption(
      new Option('--suite <suite>', `${derivedSuites.join(', ')} or a stored suite; applied when nothing is given`),
    )
    .option('--against <version>', 'parent, base, or a version', 'parent')
    .option('--shards <n>', 'pieces that workers take side by side', atLeastOne)
    .option('--needs <label...>', 'labels that a worker must have to take its shards')
    .addOption(priorityOption())
    .option('--gate', "hold it against the branch's gate; where its policy says so, failing moves the branch back")
    .option(
      '-e, --editor <name>',
      'evaluate this editor: the edits are made anew on the version, tested and thrown away',
    )
    .addOption(
      new Option('-p, --protocol <kind>', 'each edit alone, batches apart from each other, or all in sequence').choices(
        ['single', 'batch', 'lifelong'],
      ),
    )
    .option('--batch <n>', 'edits at once (batch), or between two tests (lifelong)', atLeastOne)
    .option('-s, --set <key=value>', 'a setting of the editor; repeatable', collectSetting)
    .option('--seed <n>', 'seed of everything random in the editor', wholeNumber)
    .option('--csv <file>', 'write what each case found')
    .option('--report <file>', 'write the report, one page of HTML')
    .option('--no-wait', 'return as soon as the job is queued')
    .option('--json', 'print JSON')
    .action(async (reference: string, options: Options) => {
      const client = connect();
      const suite = await suiteOf(options);
      const queued = await client.evaluations.create({
        ...placeOf(reference),
        ...(Object.keys(suite).length === 0 ? { suite: 'applied' } : suite),
        against: options.against,
        ...(options.shards === undefined ? {} : { shards: options.shards }),
        ...(options.needs === undefined ? {} : { needs: options.needs }),
        priority: options.priority,
        ...(options.gate === undefined ? {} : { gate: true }),
        ...editorOf(options),
      });
      if (!options.wait) return options.json ? printJson(queued) : console.log(`${queued.state} ${queued.id}`);
      const job = await followJob(client, queued.id, options.json);
      process.exitCode = job.gate?.passed === false ? exitCodes.jobNotSucceeded : exitCodeOfJob(job.state);
      const evaluation = await client.evaluations.get(job.id);
      if (options.csv !== undefined) await writeText(options.csv, await client.evaluations.csv(job.id));
      if (options.report !== undefined && evaluation.outcome !== null)
        await writeText(options.report, await client.evaluations.report(job.id));
      if (options.json) return printJson(evaluation);
      console.log(outcomeOf(job));
      const { version_id, against, cases, summary, outcome } = evaluation;
      const { editor } = evaluation;
      console.log(
        editor === null
          ? `  ${short(version_id)} against ${short(against.version_id)} (${against.kind}), ${cases.total} cases`
          : `  ${editor.name} on ${short(version_id)} (${editor.protocol.kind}), ${cases.total} measurements`,
      );
      if (evaluation.gate?.passed === true) console.log(colors.green('  it passes the gate of the branch'));
      if (evaluation.rollback_job_id !== null)
        console.log(colors.yellow(`  ${evaluation.rollback_job_id} moves the branch back`));
      if (outcome === null || summary === null) return;
      console.log(`\n${meansTable(outcome)}\n`);
      const facts = [
        `${outcome.changed} of ${outcome.measured} answers changed`,
        ...(summary.delta_norm === null ? [] : [`largest ||delta||/||W|| ${summary.delta_norm.toFixed(3)}`]),
        ...(summary.perplexity === null
          ? []
          : [`perplexity ${summary.perplexity.parent.toFixed(2)} -> ${summary.perplexity.candidate.toFixed(2)}`]),
        ...(editor === null
          ? []
          : [`${(outcome.cost.edit_seconds / Math.max(1, outcome.cost.edits)).toFixed(2)} s an edit`]),
        `${summary.seconds.evaluate.toFixed(1)} s of asking`,
      ];
      console.log(facts.join(', '));
      if (outcome.changed > 0)
        console.log(changedLines(await client.evaluations.rows(job.id, { changed: true, limit: 100 }).all(1000)));
      const failed = await client.evaluations.rows(job.id, { outcome: 'failed' }).all(20);
      for (const { custom_id, error } of failed) console.log(colors.yellow(`failed  ${custom_id}: ${error?.message}`));
      console.log(colors.dim(`digest of results ${outcome.digest}`));
    });
}
