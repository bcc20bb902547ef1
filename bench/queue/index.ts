// npm run bench -- queue: how long jobs wait, who gets how much and what is asked of the database, with many branches and workers.
import { parseArgs } from 'node:util';
import { uniform } from '@errata/models';
import { measuredCosts } from './costs.ts';
import { jain, waitsOf } from './figures.ts';
import { measureDecisions } from './measure.ts';
import { type Run, simulate, type Taken } from './simulate.ts';
import { type Scenario, type Shape, scenarios, settingOf, tells } from './workload.ts';

const usage = `usage: npm run bench -- queue [options]
  --branches COUNT   default 1000
  --workers COUNT    default 100
  --keys COUNT       who ask, default 50
  --edits COUNT      of all jobs together, default 10000000
  --edit-ms MS       that an edit takes, default ${measuredCosts.edit}
  --scenario NAME    ${scenarios.join(', ')}; all unless given
  --seed NUMBER      default 1
  --measure COUNTS   nothing of this, but what a decision takes behind so many waiting jobs: 1000,10000
`;

export async function main(args: readonly string[]): Promise<void> {
  const options = {
    branches: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '100' },
    keys: { type: 'string', default: '50' },
    edits: { type: 'string', default: '10000000' },
    'edit-ms': { type: 'string', default: String(measuredCosts.edit) },
    scenario: { type: 'string' },
    seed: { type: 'string', default: '1' },
    measure: { type: 'string' },
  } as const;
  const given = (() => {
    try {
      return parseArgs({ args: [...args], options }).values;
    } catch {
      return undefined;
    }
  })();
  const numberOf = (name: 'branches' | 'workers' | 'keys' | 'edits' | 'edit-ms' | 'seed') => Number(given?.[name]);
  const [branches, workers, keys, edits] = [
    numberOf('branches'),
    numberOf('workers'),
    numberOf('keys'),
    numberOf('edits'),
  ];
  const costs = { ...measuredCosts, edit: numberOf('edit-ms') };
  const chosen = scenarios.filter((name) => given?.scenario === undefined || given.scenario === name);
  const counts = given?.measure?.split(',').map(Number) ?? [];
  const isRight = [branches, workers, keys - 1, edits, costs.edit, ...counts].every((value) => value > 0);
  if (given === undefined || !isRight || branches < 3 || chosen.length === 0) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  if (counts.length > 0) return measureDecisions(counts, branches);
  console.log(`${branches} branches, ${keys} keys, ${workers} workers, ${edits} edits of ${costs.edit} ms each\n`);
  for (const scenario of chosen) {
    const random = uniform(numberOf('seed'), scenarios.indexOf(scenario));
    tell(scenario, { branches, workers, keys, edits, costs, random });
  }
}

/** Worker time of each branch is compared in the first part of the time that all of it takes: nobody has run out of work then. */
const window = 0.25;

function tell(scenario: Scenario, shape: Shape): void {
  const setting = settingOf(scenario, shape);
  const until = (window * shape.edits * shape.costs.edit) / shape.workers;
  const groups = new Map<string, { readonly waits: number[]; readonly ofQueue: number[] }>();
  const sums = setting.branches.map(() => ({ worked: 0, waited: 0, jobs: 0 }));
  const onTaken = (job: Taken) => {
    const sum = sums[job.branch]!;
    const waited = job.takenAt - job.at;
    sum.waited += waited;
    sum.jobs++;
    if (job.endsAt <= until) sum.worked += job.endsAt - job.takenAt;
    const name = groupOf(scenario, setting.branches[job.branch]!, job);
    let group = groups.get(name);
    if (group === undefined) {
      group = { waits: [], ofQueue: [] };
      groups.set(name, group);
    }
    group.waits.push(waited);
    group.ofQueue.push(job.takenAt - job.readyAt);
  };
  const run = simulate({ ...setting, onTaken });
  console.log(`**${scenario}**: ${tells[scenario]}\n`);
  console.log('| jobs | how many | wait p50 | p90 | p99 | longest | of it for a worker p50 | p99 | longest |');
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const [name, { waits, ofQueue }] of [...groups].sort(([one], [other]) => one.localeCompare(other))) {
    const [whole, queue] = [waitsOf(waits), waitsOf(ofQueue)];
    const cells = [whole.p50, whole.p90, whole.p99, whole.most, queue.p50, queue.p99, queue.most].map(seconds);
    console.log(`| ${name} | ${whole.count} | ${cells.join(' | ')} |`);
  }
  const means = (of: (key: number) => boolean, what: 'waited' | 'worked') => {
    const those = sums.filter((_, branch) => of(setting.branches[branch]!.key));
    const sum = (name: 'waited' | 'worked' | 'jobs') => those.reduce((total, each) => total + each[name], 0);
    return what === 'waited' ? sum('waited') / Math.max(1, sum('jobs')) : sum('worked');
  };
  const what = scenario === 'steady' || scenario === 'rush' ? 'waited' : 'worked';
  const ofBranches = sums.map(({ worked, waited, jobs }) => (what === 'worked' ? worked : waited / Math.max(1, jobs)));
  const ofKeys = Array.from({ length: shape.keys }, (_, key) => means((each) => each === key, what));
  const thing = what === 'worked' ? 'worker time' : 'mean waits';
  const withinKeys = Array.from({ length: shape.keys }, (_, key) =>
    jain(ofBranches.filter((_, branch) => setting.branches[branch]!.key === key)),
  );
  console.log(
    `\nJain's index of ${thing}: ${jain(ofKeys).toFixed(2)} over keys, ${Math.min(...withinKeys).toFixed(2)} at least over the branches of one`,
  );
  tellRun(run, shape);
}

function groupOf(scenario: Scenario, branch: { key: number; needs: readonly string[] }, job: Taken): string {
  if (scenario === 'rush') return branch.key === 0 ? 'of the key that rushes' : 'of other keys';
  if (scenario === 'urgent')
    return `of ${job.priority} priority, ${job.edits === 1 ? 'a single edit' : `${job.edits} edits`}`;
  if (scenario === 'needs') return branch.needs.length > 0 ? 'that need the label' : 'that need nothing';
  return job.edits === 1 ? 'of a single edit' : `of ${job.edits} edits`;
}

function tellRun(run: Run, { workers, costs }: Shape): void {
  const spent = run.endedAt / 1000;
  const database = (run.turns * costs.turn + run.looks * costs.look) / 1000;
  const rate = (count: number) => (count / spent).toFixed(1);
  console.log(`${run.jobs} jobs in ${seconds(run.endedAt)}; workers at jobs for ${((run.busyMs / run.endedAt / workers) * 100).toFixed(1)} % of it
a second: ${rate(run.jobs)} jobs, ${rate(run.turns)} turns, ${rate(run.looks)} looks for a job, ${rate(run.handedOn)} handed on
deciding took ${((database / spent / workers) * 100).toFixed(2)} % of workers' time; a lane was overtaken by ${run.overtaken} turns of its key at most
at once at most ${run.lanesWaiting} lanes and ${run.jobsWaiting} jobs waited; a look of a reconciler woke ${(run.reconciled / run.reconciles).toFixed(0)} lanes
`);
}

const seconds = (ms: number): string =>
  ms < 1000 ? `${ms.toFixed(0)} ms` : ms < 600_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 3_600_000).toFixed(2)} h`;
