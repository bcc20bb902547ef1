// errata schedule: makes, shows, pauses, runs and deletes the schedules that turn inboxes into batches.
import {
  contradictionPolicies,
  inboxOrders,
  onErrorChoices,
  overlapPolicies,
  type Priority,
  priorities,
  rulesOf,
  type ScheduleChange,
  type ScheduleResource,
  type ScheduleRun,
} from '@errata/contracts';
import { type Command, Option } from 'commander';
import colors from 'picocolors';
import { readGate } from '../arguments/gate-file.ts';
import { describeRule } from '../arguments/gate-rules.ts';
import { atLeastOne, positive, wholeNumber } from '../arguments/numbers.ts';
import { collectSetting, parseReference } from '../arguments/references.ts';
import { printJson, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';

interface Settings {
  /** False for none. */
  cron?: string | boolean;
  timeZone?: string;
  whenPending?: number | boolean;
  batchSize?: number;
  order?: (typeof inboxOrders)[number];
  group?: boolean;
  onContradiction?: (typeof contradictionPolicies)[number];
  overlap?: (typeof overlapPolicies)[number];
  catchUp?: number;
  editsPerDay?: number;
  minutesPerRun?: number;
  minutesPerDay?: number;
  editor?: string | boolean;
  set?: Record<string, unknown>;
  seed?: number;
  onError?: (typeof onErrorChoices)[number];
  priority?: Priority;
  /** False for that of the branch. */
  gate?: string | boolean;
  json?: true;
}

/** What a schedule has already, which is added to rather than replaced. */
type Known = Pick<ScheduleResource, 'budget' | 'editor' | 'config'>;
const nothingKnown: Known = { budget: {}, editor: null, config: {} };

const withSettings = (command: Command): Command =>
  command
    .option('--cron <expression>', 'when: minute hour day month weekday, or with seconds first')
    .option('--time-zone <zone>', 'of cron and of the days of the budget, for example Europe/Berlin')
    .option('--when-pending <n>', 'when so many edits wait', atLeastOne)
    .option('--batch-size <n>', 'edits in one run at most', atLeastOne)
    .addOption(new Option('--order <order>', 'which edits go first').choices(inboxOrders))
    .option('--group', 'keep edits of one subject together, as it is at first')
    .option('--no-group', 'do not')
    .addOption(
      new Option('--on-contradiction <policy>', 'when waiting edits answer one question differently').choices(
        contradictionPolicies,
      ),
    )
    .addOption(new Option('--overlap <policy>', 'when the job of the run before is not over').choices(overlapPolicies))
    .option('--catch-up <seconds>', 'make up for a missed tick within this time', wholeNumber)
    .option('--edits-per-day <n>', 'budget', atLeastOne)
    .option('--minutes-per-run <n>', 'budget', positive)
    .option('--minutes-per-day <n>', 'budget', positive)
    .option('-e, --editor <name>', "the editor; the branch's default when left out", (name: string) =>
      name.toLowerCase(),
    )
    .option('-s, --set <key=value>', 'a setting of the editor; repeatable', collectSetting)
    .option('--seed <n>', 'seed of everything random', wholeNumber)
    .addOption(
      new Option('--on-error <choice>', 'what an edit that cannot be applied does to its batch').choices(
        onErrorChoices,
      ),
    )
    .addOption(new Option('--priority <priority>', 'of the jobs that its runs submit').choices(priorities))
    .option('--gate <json>', "a file with a gate that replaces the branch's: rules, canaries, held_text, on_failure")
    .option('--json', 'print JSON');

/** What was given, in the words of the API. Budgets and settings are added to those known; settings of another editor are not. */
async function changeOf(options: Settings & { budget?: boolean }, known: Known): Promise<ScheduleChange> {
  const budget = {
    ...(options.editsPerDay === undefined ? {} : { edits_per_day: options.editsPerDay }),
    ...(options.minutesPerRun === undefined ? {} : { minutes_per_run: options.minutesPerRun }),
    ...(options.minutesPerDay === undefined ? {} : { minutes_per_day: options.minutesPerDay }),
  };
  const editor = given(options.editor);
  const sameEditor = editor === undefined || editor === known.editor;
  const gate = given(options.gate);
  const change = {
    cron: given(options.cron),
    time_zone: options.timeZone,
    when_pending: given(options.whenPending),
    batch_size: options.batchSize,
    order: options.order,
    group_by_subject: options.group,
    on_contradiction: options.onContradiction,
    overlap: options.overlap,
    catch_up_seconds: options.catchUp,
    budget:
      options.budget === false ? budget : Object.keys(budget).length === 0 ? undefined : { ...known.budget, ...budget },
    editor,
    config: sameEditor ? options.set && { ...known.config, ...options.set } : (options.set ?? {}),
    seed: options.seed,
    on_error: options.onError,
    priority: options.priority,
    gate: typeof gate === 'string' ? await readGate(gate) : gate,
  };
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

/** `--no-…` is null; commander puts true where a `--no-…` exists and nothing was said. */
const given = <T>(value: T | boolean | undefined): T | null | undefined =>
  value === false ? null : value === true ? undefined : value;

export function register(program: Command): void {
  const schedules = program
    .command('schedule')
    .description('turn the inbox of a branch into batches, by cron or by number');

  withSettings(schedules.command('create <name>').requiredOption('-m, --model <model[@branch]>', 'model and branch'))
    .description('create a schedule: --cron, --when-pending or both')
    .option('--paused', 'do not let it run by itself yet')
    .action(async (name: string, options: Settings & { model: string; paused?: true }) => {
      const { model, at: branch } = parseReference(options.model);
      const settings = await changeOf(options, nothingKnown);
      const paused = options.paused ?? false;
      const created = await connect().schedules.create({ ...settings, name, model, branch, paused });
      if (options.json) printJson(created);
      else console.log(describe(created));
    });

  withSettings(schedules.command('change <schedule>'))
    .description('change what is given; what is not given stays')
    .option('--no-cron', 'run by number only')
    .option('--no-when-pending', 'run by cron only')
    .option('--no-budget', 'forget the budget so far')
    .option('--no-editor', "the branch's default editor, with its own settings")
    .option('--no-gate', "the branch's gate")
    .action(async (name: string, options: Settings & { budget?: boolean }) => {
      const client = connect();
      const changed = await client.schedules.change(name, await changeOf(options, await client.schedules.get(name)));
      if (options.json) printJson(changed);
      else console.log(describe(changed));
    });

  schedules
    .command('list')
    .description('list schedules by name')
    .option('-m, --model <model[@branch]>', 'only of this model, or branch of it')
    .option('--json', 'print JSON')
    .action(async (options: { model?: string; json?: true }) => {
      const [model, branch] = options.model?.split('@') ?? [];
      const found = await connect().schedules.list({ model, branch }).all();
      if (options.json) return printJson(found);
      const rows = found.map((schedule) => [
        schedule.name,
        schedule.branch,
        whenOf(schedule),
        schedule.pending,
        schedule.paused ? 'paused' : (schedule.next_due_at ?? '-'),
        schedule.last_run === null ? '-' : outcomeOf(schedule.last_run),
      ]);
      console.log(table(['schedule', 'branch', 'when', 'waiting', 'due next', 'last run'], rows));
    });

  for (const [verb, description] of [
    ['get', 'a schedule with its settings, what waits, and its last run'],
    ['pause', 'stop it from running by itself'],
    ['resume', 'let it run again from now on'],
  ] as const) {
    schedules
      .command(`${verb === 'get' ? 'show' : verb} <schedule>`)
      .description(description)
      .option('--json', 'print JSON')
      .action(async (name: string, options: { json?: true }) => {
        const schedule = await connect().schedules[verb](name);
        if (options.json) printJson(schedule);
        else console.log(describe(schedule));
      });
  }

  schedules
    .command('trigger <schedule>')
    .description('run it now')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { json?: true }) => {
      const triggered = await connect().schedules.trigger(name);
      if (options.json) return printJson(triggered);
      console.log(triggered.run === null ? 'waits for the job of the run before to end' : outcomeOf(triggered.run));
    });

  schedules
    .command('runs <schedule>')
    .description('what its runs came to, newest first')
    .option('--limit <n>', 'how many', atLeastOne, 20)
    .option('--json', 'print JSON')
    .action(async (name: string, options: { limit: number; json?: true }) => {
      const runs = await connect().schedules.runs(name).all(options.limit);
      if (options.json) return printJson(runs);
      const rows = runs.map((run) => {
        const { drawn, superseded, refused, held, left, missed } = run.counts;
        return [run.due_at, run.trigger, drawn, superseded, refused, held, left, missed, outcomeOf(run)];
      });
      console.log(
        table(['due', 'trigger', 'edits', 'superseded', 'refused', 'held', 'left', 'missed', 'outcome'], rows),
      );
    });

  schedules
    .command('delete <schedule>')
    .description('delete it; its runs, and what it has submitted, stay')
    .action(async (name: string) => {
      await connect().schedules.delete(name);
      console.log(`deleted ${name}`);
    });
}

const whenOf = ({ cron, time_zone, when_pending }: ScheduleResource): string =>
  [cron === null ? '' : `${cron} (${time_zone})`, when_pending === null ? '' : `when ${when_pending} wait`]
    .filter((part) => part !== '')
    .join(', or ');

/** A run's outcome in a few words. */
export function outcomeOf(run: ScheduleRun): string {
  switch (run.outcome) {
    case 'submitted':
      return `${run.job_state ?? 'submitted'} ${run.job_id}`;
    case 'empty':
      return 'nothing to apply';
    case 'skipped':
      return `skipped: ${run.reason}`;
    case 'failed':
      return `failed: ${run.error?.message}`;
  }
}

function describe(schedule: ScheduleResource): string {
  const { budget } = schedule;
  const limits = [
    budget.edits_per_day === undefined ? '' : `${budget.edits_per_day} edits a day`,
    budget.minutes_per_run === undefined ? '' : `${budget.minutes_per_run} minutes a run`,
    budget.minutes_per_day === undefined ? '' : `${budget.minutes_per_day} minutes a day`,
  ].filter((part) => part !== '');
  const rows = [
    ['when', whenOf(schedule)],
    ['due next', schedule.paused ? 'paused' : (schedule.next_due_at ?? '-')],
    ...(schedule.buffered_due_at === null ? [] : [['waiting since', schedule.buffered_due_at]]),
    [
      'batch',
      `${schedule.batch_size} edits at most, by ${schedule.order}${schedule.group_by_subject ? ', subjects together' : ''}`,
    ],
    ['contradictions', schedule.on_contradiction.replace('_', ' ')],
    ['overlap', schedule.overlap.replace('_', ' ')],
    ['catch-up', `${schedule.catch_up_seconds} s`],
    ['budget', limits.length === 0 ? 'none' : limits.join(', ')],
    [
      'editor',
      `${schedule.editor ?? "the branch's default"} ${JSON.stringify(schedule.config)}, seed ${schedule.seed}`,
    ],
    ['on error', schedule.on_error],
    ['priority', schedule.priority],
    ['gate', schedule.gate === null ? "the branch's" : rulesOf(schedule.gate).map(describeRule).join('  ') || 'none'],
    ['waiting', `${schedule.pending}${schedule.held === 0 ? '' : `, and ${schedule.held} held`}`],
    ['last run', schedule.last_run === null ? '-' : `${outcomeOf(schedule.last_run)} (${schedule.last_run.due_at})`],
  ];
  const body = rows.map(([name, value]) => `  ${name!.padEnd(14)}  ${value}`).join('\n');
  return `${colors.bold(schedule.name)} on ${schedule.branch} ${colors.dim(schedule.id)}\n${body}`;
}
