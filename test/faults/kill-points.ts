// `npm run faults`: kills workers and engines at a thousand points of their work, seeded, and checks that nothing was lost or done twice.
import { appendFile, chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Failpoint, failpoints, isTerminal } from '@errata/contracts';
import { getJob, listEdits } from '@errata/lineage';
import { startPostgres } from '@errata/local-services';
import { uniform } from '@errata/models';
import { type Crew, keepCrew } from './crew.ts';
import { violations } from './promises.ts';
import { closedGate, edit, type FaultStack, shortLeaseMs, startFaultStack, until } from './stack.ts';

const { values: options } = parseArgs({
  options: {
    points: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    /** Results go here, one line a round; a run that was broken off goes on after the last. */
    out: { type: 'string', default: '.errata/faults' },
  },
});
const pointsWanted = Number(options.points);
/** Each round has a database of its own, so that a run can be broken off and gone on with. */
const pointsInRound = 25;
const branches = ['left', 'right'] as const;

interface Round {
  readonly round: number;
  readonly seed: string;
  readonly points: number;
  /** How often what was killed, and where. */
  readonly killed: Readonly<Record<string, number>>;
  readonly jobs: number;
  readonly violations: readonly unknown[];
  readonly seconds: number;
}

/** Places that the deeds of a round pass in workers and engines. */
const places = failpoints.filter((name) =>
  /^(blob|lease|take|edit|rollback|transition|commit|requeue|finish|snapshot)\./.test(name),
);

async function main(): Promise<void> {
  await mkdir(options.out, { recursive: true });
  const file = join(options.out, `seed-${options.seed}.jsonl`);
  const done = (await readFile(file, 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Round);
  const folder = await mkdtemp(join(tmpdir(), 'errata-kill-points-'));
  await chmod(folder, 0o755); // PostgreSQL may have to run as another user
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
  try {
    for (let points = count(done); points < pointsWanted; points = count(done)) {
      const round = await runRound(done.length, Math.min(pointsInRound, pointsWanted - points), postgres.url);
      await appendFile(file, `${JSON.stringify(round)}\n`);
      done.push(round);
      const broken = done.reduce((sum, each) => sum + each.violations.length, 0);
      console.log(
        `${count(done)} of ${pointsWanted} kill points, ${broken} promises broken, round ${round.round} took ${round.seconds.toFixed(0)} s`,
      );
      for (const violation of round.violations) console.log(`  seed ${round.seed}: ${JSON.stringify(violation)}`);
    }
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
  report(done);
  if (done.some((round) => round.violations.length > 0)) process.exitCode = 1;
}

const count = (rounds: readonly Round[]) => rounds.reduce((sum, { points }) => sum + points, 0);

/** Keeps two branches busy while workers and engines are killed, then lets everything end and reads the history. */
async function runRound(round: number, points: number, postgresUrl: string): Promise<Round> {
  const started = performance.now();
  const seed = `${options.seed}.${round}`;
  const next = uniform(Number(options.seed), round);
  const stack = await startFaultStack({ leaseMs: shortLeaseMs, frozenMs: 2_000, postgresUrl });
  const crew = keepCrew(stack, 2);
  const killed: Record<string, number> = {};
  try {
    for (const name of branches) await stack.branch(name);
    const open = new Set<string>();
    for (let point = 0; point < points; point++) {
      // Each branch always has something to do, and what is killed has done a part of it.
      for (const id of open) if (isTerminal((await getJob(stack.lineage, id)).state)) open.delete(id);
      while (open.size < 3) open.add(await ask(stack, next, `${seed}.${point}.${open.size}`));
      const where = await kill(stack, crew, next);
      killed[where] = (killed[where] ?? 0) + 1;
    }
    for (const place of places) await rm(join(stack.environment.ERRATA_FAILPOINT!.slice(1), place), { force: true });
    for (const id of stack.acknowledged.jobs) await stack.finished(id);
    const found = violations(await stack.history(), { acknowledged: stack.acknowledged.jobs, settled: true });
    const seconds = (performance.now() - started) / 1000;
    return { round, seed, points, killed, jobs: stack.acknowledged.jobs.length, violations: found, seconds };
  } finally {
    crew.dismiss();
    await stack.close();
  }
}

/** An edit job mostly; sometimes one that its gate refuses, a revert, a reset. Answers with the job's id. */
async function ask(stack: FaultStack, next: () => number, name: string): Promise<string> {
  const branch = branches[Math.floor(next() * branches.length)]!;
  const choice = next();
  const edits = [edit(`the town of ${name}`), edit(`the land of ${name}`)];
  if (choice < 0.15) return stack.submit(edits, { branch, gate: closedGate });
  if (choice < 0.4) {
    const rows = await stack.query(
      `SELECT job_id, from_version_id FROM branch_moves JOIN branches ON id = branch_id
       WHERE name = $1 AND kind = 'edit' ORDER BY sequence DESC LIMIT 1`,
      [branch],
    );
    const last = rows[0] as { job_id: string; from_version_id: string } | undefined;
    const { data } = last === undefined ? { data: [] } : await listEdits(stack.lineage, last.job_id);
    const target =
      choice < 0.3
        ? ({ mode: 'exact', revert_edit_ids: data.slice(0, 1).map(({ id }) => id) } as const)
        : ({ mode: 'reset', to_version: last?.from_version_id ?? '' } as const);
    // What is to be taken back may be taken back already.
    if (last !== undefined) {
      const job = await stack.rollBack(branch, target).catch(() => null);
      if (job !== null) return job;
    }
  }
  return stack.submit(edits, { branch });
}

/** Kills at a named place or at a random moment; a worker or its engine. Answers with where. */
async function kill(stack: FaultStack, crew: Crew, next: () => number): Promise<string> {
  await crew.complete();
  const at = places[Math.floor(next() * places.length)] as Failpoint;
  const anywhere = next() < 0.5;
  const delay = next() * 1_500;
  const which = next();
  if (!anywhere) {
    const fault = await stack.arm(at, `kill:${1 + Math.floor(which * 2)}`);
    const deadline = performance.now() + 15_000;
    while (performance.now() < deadline) {
      if ((await fault.taken()) !== null) return at;
      await sleep(20);
    }
    // Nobody came by: it is taken back, and the kill is one at a random moment.
    await fault.disarm();
    if ((await fault.taken()) !== null) return at;
  }
  await sleep(delay);
  const workers = [...crew.workers];
  const victim = workers[Math.floor(which * workers.length)]!;
  victim.signal('SIGKILL');
  await victim.exited;
  await until('it is replaced', async () => crew.workers.size === workers.length);
  return 'a random moment';
}

function report(rounds: readonly Round[]): void {
  const killed = new Map<string, number>();
  for (const round of rounds)
    for (const [where, times] of Object.entries(round.killed)) killed.set(where, (killed.get(where) ?? 0) + times);
  console.log('\n| killed at | times |\n|---|---|');
  for (const [where, times] of [...killed].sort(([a], [b]) => a.localeCompare(b)))
    console.log(`| ${where} | ${times} |`);
  const jobs = rounds.reduce((sum, round) => sum + round.jobs, 0);
  const broken = rounds.reduce((sum, round) => sum + round.violations.length, 0);
  console.log(`\n${count(rounds)} kill points over ${jobs} jobs: ${broken} promises broken.`);
}

await main();
