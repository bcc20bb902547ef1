// `npm run faults`: kills workers, engines and clients at a thousand points of their work, seeded, and checks that nothing was lost or done twice.
import { appendFile, chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '@errata/local-services';
import { type Round, runRound } from './kill-round.ts';

const { values: options } = parseArgs({
  options: {
    points: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    /** Results go here, one line a round; a run that was broken off makes the rounds that are missing. */
    out: { type: 'string', default: '.errata/faults' },
  },
});
const pointsWanted = Number(options.points);
/** Each round has a database of its own, so that a run can be broken off and gone on with. */
const pointsInRound = 25;
/** Rounds side by side: one waits for what the other computes. */
const roundsAtOnce = 2;

async function main(): Promise<void> {
  await mkdir(options.out, { recursive: true });
  const file = join(options.out, `seed-${options.seed}.jsonl`);
  const done = (await readFile(file, 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Round);
  const known = new Set(done.map(({ round }) => round));
  const missing = Array.from({ length: Math.ceil(pointsWanted / pointsInRound) }, (_, round) => ({
    round,
    points: Math.min(pointsInRound, pointsWanted - round * pointsInRound),
  })).filter(({ round }) => !known.has(round));
  const folder = await mkdtemp(join(tmpdir(), 'errata-kill-points-'));
  await chmod(folder, 0o755); // PostgreSQL may have to run as another user
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
  const workRounds = async () => {
    for (let next = missing.shift(); next !== undefined; next = missing.shift()) {
      const round = await runRound({ ...next, seed: Number(options.seed), postgresUrl: postgres.url }).catch(
        (error) => {
          throw new Error(`seed ${options.seed}, round ${next?.round}`, { cause: error });
        },
      );
      await appendFile(file, `${JSON.stringify(round)}\n`);
      done.push(round);
      console.log(
        `${count(done)} of ${pointsWanted} kill points, ${broken(done)} promises broken, round ${round.round} took ${round.seconds.toFixed(0)} s`,
      );
      for (const violation of round.violations) console.log(`  seed ${round.seed}: ${JSON.stringify(violation)}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: roundsAtOnce }, workRounds));
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
  report(done);
  if (broken(done) > 0) process.exitCode = 1;
}

const sum = (rounds: readonly Round[], of: (round: Round) => number) =>
  rounds.reduce((total, round) => total + of(round), 0);
const count = (rounds: readonly Round[]) => sum(rounds, ({ points }) => points);
const broken = (rounds: readonly Round[]) => sum(rounds, ({ violations }) => violations.length);

function report(rounds: readonly Round[]): void {
  const total = (of: (round: Round) => Readonly<Record<string, number>>) => {
    const totals = new Map<string, number>();
    for (const round of rounds)
      for (const [where, times] of Object.entries(of(round))) totals.set(where, (totals.get(where) ?? 0) + times);
    return totals;
  };
  const missed = total((round) => round.missed);
  console.log('\n| killed at | times | armed in vain |\n|---|---|---|');
  for (const [where, times] of [...total((round) => round.killed)].sort(([a], [b]) => a.localeCompare(b)))
    console.log(`| ${where} | ${times} | ${missed.get(where) ?? 0} |`);
  const of = (field: 'jobs' | 'repeated' | 'givenUp' | 'served') => sum(rounds, (round) => round[field]);
  console.log(`
${count(rounds)} kill points over ${of('jobs')} jobs: ${broken(rounds)} promises broken.
${of('repeated')} requests made twice, ${of('served')} versions read twice, ${of('givenUp')} jobs killed as often as a job is tried.`);
}

await main();
