// errata edit: submits a batch of corrections and follows it.
import { resolve } from 'node:path';
import { dryRunLevels, type EditPlan, onErrorChoices, type Priority } from '@errata/contracts';
import type { ErrataClient } from '@errata/sdk';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { editsToMake } from '../arguments/given-cases.ts';
import { wholeNumber } from '../arguments/numbers.ts';
import { priorityOption } from '../arguments/priority.ts';
import { collectSetting, parseReference } from '../arguments/references.ts';
import { remarksOn } from '../output/edit-results.ts';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { costLine, metricsTable } from '../output/metrics-table.ts';
import { printJson, short, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

interface Options {
  model: string;
  layout?: string;
  editor?: string;
  from?: string;
  set?: Record<string, unknown>;
  parent?: string;
  onConflict: 'fail' | 'rebase';
  onError: (typeof onErrorChoices)[number];
  seed: number;
  dryRun?: true;
  level: (typeof dryRunLevels)[number];
  force?: true;
  needs?: string[];
  priority: Priority;
  wait: boolean;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('edit <file>')
    .description(
      'submit a batch of corrections (our own records or a published data set; - reads standard input) to a branch',
    )
    .requiredOption('-m, --model <model[@branch]>', 'model and branch')
    .option('--layout <name>', 'the layout of the file (errata data layouts); recognised when left out')
    .option('-e, --editor <name>', "the editor; the branch's default when left out")
    .addOption(
      new Option(
        '--from <path>',
        "what was changed elsewhere, on the worker's machine: the directory of a LoRA adapter, or a copy of the model with other weights; the edits say what it is to change",
      ).conflicts('editor'),
    )
    .option('-s, --set <key=value>', 'a setting of the editor; repeatable', collectSetting)
    .option('--parent <version>', 'refuse unless the branch is still at this version')
    .addOption(
      new Option('--on-conflict <choice>', 'what to do when it is not').choices(['fail', 'rebase']).default('fail'),
    )
    .addOption(
      new Option('--on-error <choice>', 'what an edit that cannot be applied does to the batch')
        .choices(onErrorChoices)
        .default('abort'),
    )
    .option('--seed <n>', 'seed of everything random', wholeNumber, 0)
    .option('--dry-run', 'check everything, change nothing')
    .addOption(
      new Option('--level <level>', 'of a dry run: validate only looks, compute also edits, evaluates and judges')
        .choices(dryRunLevels)
        .default('validate'),
    )
    .option('--force', 'do the work again although a finished job has done the same')
    .option('--needs <label...>', 'labels that a worker must have to take the job')
    .addOption(priorityOption())
    .option('--no-wait', 'return as soon as the job is queued')
    .option('--json', 'print JSON')
    .action(async (file: string, options: Options) => {
      const { model, at: branch } = parseReference(options.model);
      const client = connect();
      const given =
        options.from === undefined ? null : await readChange(client, model, resolve(options.from), options.json);
      if (given !== null && given.config === null) {
        process.exitCode = exitCodeOfJob(given.job.state);
        return options.json ? printJson(given.job) : console.log(outcomeOf(given.job));
      }
      const editor = given === null ? options.editor : 'given';
      const request = {
        model,
        branch,
        ...(await editsToMake({ file, layout: options.layout })),
        config: { ...options.set, ...given?.config },
        on_conflict: options.onConflict,
        on_error: options.onError,
        seed: options.seed,
        ...(options.force === undefined ? {} : { force: true }),
        ...(options.needs === undefined ? {} : { needs: options.needs }),
        priority: options.priority,
        ...(editor === undefined ? {} : { editor }),
        ...(options.parent === undefined ? {} : { parent_version_id: options.parent }),
      };
      if (options.dryRun && options.level === 'validate') {
        const plan = await client.editJobs.plan(request);
        if (options.json) return printJson(plan);
        printPlan(plan, model);
        return;
      }
      const queued = await (options.dryRun ? client.editJobs.try(request) : client.editJobs.create(request));
      if (!options.wait) return options.json ? printJson(queued) : console.log(`${queued.state} ${queued.id}`);
      const job = await followJob(client, queued.id, options.json);
      process.exitCode = exitCodeOfJob(job.state);
      const edits = await client.jobs.edits(job.id).all();
      if (options.json) return printJson({ ...job, edits });
      console.log(outcomeOf(job));
      if (job.trial) console.log('  a trial: nothing was committed');
      if (job.version_id !== null) console.log(`  version ${job.version_id}`);
      if (typeof job.result?.reused_job_id === 'string')
        console.log(`  ${job.result.reused_job_id} had done the same work: it was not done again (--force does)`);
      for (const remark of remarksOn(edits.flatMap(({ result }) => result ?? []))) console.log(`  ${remark}`);
      const rows = edits.flatMap(({ custom_id, prompt, result }) =>
        result === null ? [] : [[custom_id, prompt, result.answer_before, result.answer_after, result.outcome]],
      );
      if (rows.length > 0) console.log(`\n${table(['edit', 'prompt', 'before', 'after', 'outcome'], rows)}`);
      if (job.summary !== null) console.log(`\n${metricsTable(job.summary)}\n\n${costLine(job.summary)}`);
    });
}

const builtSchema = z.object({ artefacts: z.array(z.object({ id: z.string() })).length(1) });

/** Has the service read a change that was made elsewhere. Answers with the job, and with the setting that names what it read. */
async function readChange(client: ErrataClient, model: string, from: string, quiet = false) {
  const queued = await client.artefacts.create({ model, kind: 'weight_change', from });
  const job = await followJob(client, queued.id, quiet);
  if (job.state !== 'succeeded') return { job, config: null };
  const [artefact] = builtSchema.parse(job.result).artefacts;
  return { job, config: { change: (await client.artefacts.get(artefact!.id)).parameters.source } };
}

function printPlan(plan: EditPlan, model: string): void {
  const { edits, editor, branch, parent_version_id: parent, tokens, layouts, config, cost, conflicts } = plan;
  console.log(`${edits} edits by ${editor} on ${model}@${branch} at ${short(parent)}; nothing was queued.`);
  console.log(
    `  ${tokens.total} tokens; the longest prompt with its answer has ${tokens.longest} of ${tokens.context}`,
  );
  console.log(
    cost.seconds === null
      ? `  no job of ${editor} on this model has finished yet, so what it takes is not known`
      : `  about ${cost.seconds.toFixed(1)} s, at ${cost.seconds_per_edit?.toFixed(2)} s an edit (median of ${cost.jobs} jobs)`,
  );
  console.log(`  settings ${JSON.stringify(config)}`);
  const rows = layouts.map(({ custom_id, prompt_tokens, target_tokens, subject, prompts }) => [
    custom_id,
    prompt_tokens,
    target_tokens,
    subject === null ? '-' : `${subject.first}-${subject.last}`,
    prompts,
  ]);
  console.log(`\n${table(['edit', 'prompt tokens', 'target tokens', 'subject at', 'prompts'], rows)}`);
  for (const { custom_id, edit_id, active_target, target_new, same_answer } of conflicts) {
    const change = same_answer ? 'is its answer already' : `becomes ${JSON.stringify(target_new)}`;
    console.log(`  ${custom_id} replaces ${edit_id}: ${JSON.stringify(active_target)} ${change}`);
  }
}
