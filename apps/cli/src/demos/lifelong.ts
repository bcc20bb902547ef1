// The demo of lifelong editing on the shipped model: news all day, a hoax among it, noticed in the evening, found, and taken back exactly.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BisectionResource,
  type BlameResource,
  type CaseResult,
  type EditInput,
  ErrataError,
  isTerminal,
  type JobResource,
  type Probe,
  quotedOf,
  type ScheduleRun,
} from '@errata/contracts';
import type { ErrataClient } from '@errata/sdk';
import colors from 'picocolors';
import { short, table } from '../output/output.ts';
import { outcomeOf } from '../service/follow.ts';
import {
  ask,
  finish,
  heading,
  importAtlas,
  atlas as model,
  type Stage,
  type Story,
  shippedLines,
  succeed,
} from './stage.ts';

/** The day's news, by the numbers of shipped corrections: people and firms move, change jobs and instruments, paintings travel. */
const news = [4, 11, 38, 33, 14, 40, 77, 20, 41, 84, 54, 48, 82, 85, 58, 99, 92, 98, 55, 22] as const;
/** One that is not true comes in after so many others. */
const hoax = { number: 79, after: 9 } as const;
/** One is reported wrongly at first, and corrected at once; one is delivered twice. */
const misreported = { number: 38, as: 'Geneva' } as const;
const repeated = 33;
/** What the service's users rely on: facts that none of this is about. */
const relied = [
  1, 2, 3, 5, 6, 7, 9, 10, 12, 13, 15, 16, 17, 18, 19, 21, 23, 24, 26, 27, 29, 31, 32, 34, 36, 37, 39, 42, 45, 46, 50,
  51, 57, 61, 63, 67, 71, 75, 78, 80, 83, 86, 87, 89, 94, 95,
] as const;

const batchSize = 6;
const arrivalMs = 600;

export async function lifelong(stage: Stage): ReturnType<Story> {
  const { client, queue, say } = stage;
  const shipped = (await shippedLines()).map((line) => JSON.parse(line) as EditInput);
  const numbered = (number: number) => shipped[number - 1]!;
  const bad = numbered(hoax.number);
  const watched: Probe[] = [
    ...relied.map((number) => ({ prompt: numbered(number).prompt, target: numbered(number).target_true! })),
    // In other words than the hoax will use.
    { prompt: bad.rephrases![1]!, target: bad.target_true! },
  ];

  heading(stage, `1. A model that people rely on (PostgreSQL, queue on ${queue}, API and a worker are running)`);
  const root = await importAtlas(stage);
  const morning = await evaluate(client, { probes: watched });
  say(`main is at ${short(root)} and gets ${scoreOf(morning)} watched facts right`);

  heading(stage, '2. News comes in all day; a schedule turns it into batches');
  const schedule = await client.schedules.create({
    name: 'newsroom',
    model,
    editor: 'memit',
    cron: '0 18 * * *',
    when_pending: batchSize,
    batch_size: batchSize,
    on_contradiction: 'newest_wins',
  });
  say(
    `schedule newsroom: when ${batchSize} wait, and at 18:00; the newest answer wins; each batch must pass the gate\n`,
  );
  const day = startDay(stage, schedule.branch_id);
  for (const [count, number] of news.entries()) {
    if (count === hoax.after) await day.deliver(bad, 'public form');
    if (number === misreported.number)
      await day.deliver({ ...numbered(number), custom_id: 'first report', target_new: misreported.as }, 'news desk');
    await day.deliver(numbered(number), 'news desk');
    if (number === repeated) await day.deliver(numbered(number), 'news desk');
  }
  await day.settle();
  if ((await client.schedules.get('newsroom')).pending > 0) {
    day.say('clock', 'it is evening: what still waits is applied');
    await client.schedules.trigger('newsroom');
    await day.settle();
  }
  const batches = await day.applied();
  const { head: evening } = await client.branches.get(model, 'main');

  heading(stage, '3. An evaluation asks for the watched facts again');
  const rows = await evaluate(client, { probes: watched });
  const wrong = rows.filter((row) => !isRight(row));
  say(
    `main is at ${short(evening)} and gets ${scoreOf(rows)} right; ${wrong.length === 1 ? 'this one is' : 'these are'} wrong:\n`,
  );
  say(
    table(
      ['question', 'should be', 'is'],
      wrong.map((row) => [row.prompt, row.target ?? '', row.answer_after ?? '']),
    ),
  );
  const told = await evaluate(client, { suite: 'applied' });
  const noticed = wrong.find(({ prompt }) => prompt === bad.rephrases![1]);
  if (noticed === undefined) throw new ErrataError('internal', 'the hoax was not noticed');

  heading(stage, '4. Since when? Bisect asks as few versions as it takes');
  const { prompt, target } = noticed;
  const bisected = await finish(client, await client.bisections.create({ model, probe: { prompt, target: target! } }));
  say(versionsAsked(await client.bisections.get(bisected.id)));

  heading(stage, '5. By whom? Blame finds the edit');
  const blamed = await finish(client, await client.blame.create({ model, branch: 'main', prompt }));
  const culprit = await tellCulprit(stage, schedule.branch_id, await client.blame.get(blamed.id));

  heading(stage, '6. Take that one edit back, exactly');
  const reverted = await succeed(
    stage,
    await client.rollbacks.create({
      model,
      revert_edit_ids: [culprit],
      mode: 'exact',
      reason: 'a hoax from the public form',
    }),
  );
  const now = reverted.version_id!;
  say(await whatChanged(client, evening, now));

  heading(stage, '7. Everything else still holds');
  const questions = [prompt, ...[77, 82, 55, 31, 80].map((number) => numbered(number).prompt)];
  say(await answersOf(client, questions, { imported: root, evening, now }));
  const night = await evaluate(client, { probes: watched });
  const kept = await evaluate(client, { suite: 'applied' });
  say(
    `\nwatched facts right: ${scoreOf(morning)} in the morning, ${scoreOf(rows)} in the evening, ${scoreOf(night)} now`,
  );
  say(`news told as it came in: ${scoreOf(told)} in the evening, hoax included, ${scoreOf(kept)} now`);
  for (const { prompt, target, answer_after } of kept.filter((row) => !isRight(row)))
    say(colors.dim(`  not: ${prompt} ${target}, but ${answer_after}`));
  const twin = await withoutHoax(client, root, batches, bad.custom_id, shipped);
  if (twin !== now) throw new ErrataError('internal', `main is at ${now}, its twin at ${twin}`);
  say(`a branch that got the same batches and never saw the hoax: ${short(twin)}, the same version bit for bit`);
  return {
    story: 'lifelong',
    hoax: { edit: culprit, prompt: bad.prompt, answer: bad.target_new },
    versions: { imported: root, evening, now, twin },
    watched_right: {
      of: rows.length,
      morning: morning.filter(isRight).length,
      evening: rows.filter(isRight).length,
      now: night.filter(isRight).length,
    },
  };
}

/** Puts questions to main as it is now, and to the imported model; the answers in order. */
async function evaluate(
  client: ErrataClient,
  suite: { readonly probes: readonly Probe[] } | { readonly suite: 'applied' },
): Promise<readonly CaseResult[]> {
  const asked = 'suite' in suite ? suite : { probes: [...suite.probes] };
  const job = await finish(
    client,
    await client.evaluations.create({ model, branch: 'main', against: 'base', ...asked }),
  );
  return client.evaluations.rows(job.id).all();
}

/** By free generation: what the model says is the target. */
const isRight = ({ measures }: CaseResult): boolean => quotedOf(measures)?.value === 1;

const scoreOf = (rows: readonly CaseResult[]): string => `${rows.filter(isRight).length} of ${rows.length}`;

interface Day {
  deliver(edit: EditInput, source: string): Promise<void>;
  /** Waits until no run can start and every batch has ended. */
  settle(): Promise<void>;
  /** The jobs of the batches, in order; all of them must have succeeded. */
  applied(): Promise<readonly JobResource[]>;
  say(what: string, text: string): void;
}

/** Delivers news and tells of runs as they end. */
function startDay({ client, say: print }: Stage, branch: string): Day {
  const began = Date.now();
  const told = new Set<string>();
  const say = (what: string, text: string) => {
    const at = `${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s`;
    print(`${colors.dim(at)}  ${what.padEnd(6)} ${text}`);
  };
  const look = async (): Promise<readonly ScheduleRun[]> => {
    const runs = (await client.schedules.runs('newsroom').all()).reverse();
    for (const run of runs) {
      if (told.has(run.id) || run.job_id === null || !isTerminal(run.job_state!)) continue;
      told.add(run.id);
      const job = await client.jobs.get(run.job_id);
      const { drawn, superseded } = run.counts;
      const aside = superseded === 0 ? '' : `, ${superseded} superseded`;
      const where = job.version_id === null ? outcomeOf(job) : `main is at ${colors.green(short(job.version_id))}`;
      say('batch', `${drawn} edits${aside}: ${job.state}, ${where}`);
    }
    return runs;
  };
  return {
    say,
    deliver: async (edit, source) => {
      const { target_true, ...rest } = edit;
      const receipt = await client.inbox.add(branch, {
        ...rest,
        ...(target_true === undefined ? {} : { target_true }),
        metadata: { source },
      });
      const note = receipt.duplicates > 0 ? 'delivered twice, taken once' : `was ${target_true}`;
      say('news', `${edit.prompt} ${colors.cyan(edit.target_new)} ${colors.dim(`(${note}; ${source})`)}`);
      await look();
      await sleep(arrivalMs);
    },
    settle: async () => {
      for (;;) {
        const runs = await look();
        const { pending } = await client.schedules.get('newsroom');
        const open = runs.some(({ job_state }) => job_state !== null && !isTerminal(job_state));
        if (!open && pending < batchSize) return;
        await sleep(100);
      }
    },
    applied: async () => {
      const runs = (await client.schedules.runs('newsroom').all()).reverse();
      const jobs: JobResource[] = [];
      for (const { job_id } of runs) if (job_id !== null) jobs.push(await client.jobs.get(job_id));
      const failed = jobs.find(({ state }) => state !== 'succeeded');
      if (failed !== undefined) throw new ErrataError('internal', `a batch did not succeed:\n${outcomeOf(failed)}`);
      return jobs;
    },
  };
}

function versionsAsked({ result }: BisectionResource): string {
  if (result === null) throw new ErrataError('internal', 'the bisection has no result');
  const rows = result.steps.map(({ sequence, version_id, answer, verdict }) => [
    sequence,
    short(version_id),
    answer,
    verdict,
  ]);
  const { first_bad, steps, moves } = result;
  return `${table(['move', 'version', 'answer', ''], rows)}

${steps.length} of ${moves} versions asked: the first bad one is ${short(first_bad.version_id)}, which brought ${first_bad.added.length} edits`;
}

/** Tells who made an answer what it is, and answers with the edit's id. */
async function tellCulprit({ client, say }: Stage, branch: string, { result }: BlameResource): Promise<string> {
  if (result?.edit == null || result.before === null) throw new ErrataError('internal', 'blame found no edit');
  const { edit, before, after } = result;
  const received = (await client.inbox.list(branch).all()).find(({ edit_id }) => edit_id === edit.id);
  const sure = (probability: number) => `${(100 * probability).toFixed(0)} %`;
  say(`${colors.red(`${edit.prompt} ${edit.target_new}`)}  ${edit.id}
  before   ${before.answer} (${sure(before.probability.earlier ?? 0)})
  after    ${after.answer} (${sure(after.probability.answer)})
  came in  ${received?.created_at} by the ${received?.metadata.source}, as ${received?.id}
  applied  by ${received?.job_id}, of ${received?.run_id}`);
  return edit.id;
}

async function answersOf(
  client: ErrataClient,
  questions: readonly string[],
  versions: Readonly<Record<string, string>>,
): Promise<string> {
  const rows: string[][] = [];
  for (const question of questions) {
    const row = [question];
    for (const version of Object.values(versions)) row.push(await ask(client, model, version, question));
    rows.push(row);
  }
  return table(['question', ...Object.keys(versions)], rows);
}

/** The edits by which two versions differ, and how many were applied anew from one to the other. */
async function whatChanged(client: ErrataClient, from: string, to: string): Promise<string> {
  const { added, removed } = await client.versions.diff(from, to);
  const idsOf = (deltas: typeof added) => new Set(deltas.flatMap(({ edits }) => edits.map(({ id }) => id)));
  const [there, gone] = [idsOf(added), idsOf(removed)];
  const lost = removed.flatMap(({ edits }) => edits).filter(({ id }) => !there.has(id));
  const names = new Set(lost.map(({ prompt, target_new }) => `${prompt} ${target_new}`));
  return `main is at ${short(to)}: ${there.size} edits were applied anew, and ${gone.size - there.size} is gone: ${[...names].join(', ')}`;
}

/** Applies the same batches without the hoax to a branch of their own; answers with the version that it comes to. */
async function withoutHoax(
  client: ErrataClient,
  root: string,
  batches: readonly JobResource[],
  hoaxId: string,
  shipped: readonly EditInput[],
): Promise<string> {
  const byId = new Map(shipped.map((edit) => [edit.custom_id, edit]));
  await client.branches.create(model, { name: 'twin', from: root });
  for (const batch of batches) {
    const edits = (await client.jobs.edits(batch.id).all()).filter(({ custom_id }) => custom_id !== hoaxId);
    const same = edits.map(({ custom_id }) => byId.get(custom_id));
    await finish(client, await client.editJobs.create({ model, branch: 'twin', editor: 'memit', edits: same }));
  }
  return (await client.branches.get(model, 'twin')).head;
}
