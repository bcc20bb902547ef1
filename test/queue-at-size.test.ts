// The queue with many branches and workers, in simulated time by the rules of workers; and the same jobs in the same order by real parts.
import { ErrataError, editSchema, type Priority, toPlainError } from '@errata/contracts';
import {
  branchLane,
  createBranch,
  finishJob,
  migrate,
  openLineage,
  raisedAfterMs,
  submitEditJob,
} from '@errata/lineage';
import { uniform } from '@errata/models';
import { openDispatch } from '@errata/queue';
import { afterAll, describe, expect, test } from 'vitest';
import { takeTurns } from '../apps/worker/src/index.ts';
import { jain, waitsOf } from '../bench/queue/figures.ts';
import { type Setting, simulate, type Taken } from '../bench/queue/simulate.ts';
import { scenarios, settingOf } from '../bench/queue/workload.ts';
import { createTestDatabase } from './support/database.ts';
import { importMadeModel } from './support/history.ts';

const shape = () => ({
  branches: 60,
  keys: 7,
  workers: 10,
  edits: 20_000,
  costs: { turn: 5, look: 5, job: 50, edit: 200 },
  random: uniform(1, 0),
});

/** Runs a setting, and looks after every job that is taken. */
function watched(setting: Setting) {
  const asked: number[] = setting.branches.map(() => 0);
  const taken: Taken[] = [];
  const running = new Set<number>();
  const counted = function* () {
    for (const submission of setting.submissions) {
      asked[submission.branch]!++;
      yield submission;
    }
  };
  const run = simulate({
    ...setting,
    submissions: counted(),
    onTaken: (job) => {
      if (running.has(job.branch)) throw new Error(`branch ${job.branch} runs two jobs at once`);
      running.add(job.branch);
      taken.push(job);
    },
    onEnded: ({ branch }) => void running.delete(branch),
  });
  const taking = setting.branches.map((_, branch) => taken.filter((job) => job.branch === branch));
  return { run, taken, taking, asked };
}

describe.each(scenarios)('%s', (scenario) => {
  const setting = settingOf(scenario, shape());
  const { run, taken, taking, asked } = watched(setting);

  test('every job is taken, those of a branch in order and one at a time', () => {
    expect(taking.map((jobs) => jobs.length)).toEqual(asked);
    for (const jobs of taking) {
      expect(jobs.map(({ sequence }) => sequence)).toEqual(jobs.map((_, index) => index));
      expect(jobs.map(({ at }) => at)).toEqual(jobs.map(({ at }) => at).toSorted((a, b) => a - b));
    }
  });

  test.skipIf(scenario === 'urgent')(
    'none starves: no branch of a key has two turns while another of it waits for one',
    () => {
      expect(run.overtaken).toBeGreaterThan(0);
      // The first key has a third of the branches.
      expect(run.overtaken).toBeLessThan(setting.branches.length / 3 + setting.workers.length);
    },
  );

  test('jobs go to workers that have what they need', () => {
    const able = ({ branch, worker }: Taken) =>
      setting.branches[branch]!.needs.every((label) => setting.workers[worker]!.includes(label));
    expect(taken.filter((job) => !able(job))).toEqual([]);
  });
});

describe('while all have enough to do', () => {
  const large = { ...shape(), edits: 120_000 };
  const setting = settingOf('full', large);
  const worked: number[] = Array(large.branches).fill(0);
  const until = (large.edits * large.costs.edit) / large.workers / 4;
  simulate({
    ...setting,
    onTaken: ({ branch, takenAt, endsAt }) => {
      if (endsAt <= until) worked[branch]! += endsAt - takenAt;
    },
  });
  const keys = [...new Set(setting.branches.map(({ key }) => key))];
  const ofKey = (key: number) => worked.filter((_, branch) => setting.branches[branch]!.key === key);

  test('keys get alike of the workers, although one has a third of all branches', () => {
    expect(jain(keys.map((key) => ofKey(key).reduce((sum, ms) => sum + ms, 0)))).toBeGreaterThan(0.98);
  });

  test('branches of a key get much alike, whether they ask for edits one by one or by hundreds', () => {
    for (const key of keys) expect(jain(ofKey(key)), `key ${key}`).toBeGreaterThan(0.75);
  });
});

test('a key that hands in much at once keeps others waiting for some turns, and not for all of it', () => {
  const setting = settingOf('rush', { ...shape(), edits: 60_000 });
  const waited: number[] = [];
  simulate({
    ...setting,
    onTaken: ({ branch, takenAt, readyAt }) => {
      if (setting.branches[branch]!.key !== 0) waited.push(takenAt - readyAt);
    },
  });
  const turn = 10_000;
  // Where nobody counts what keys have had, it is eight turns.
  expect(waitsOf(waited).p99).toBeLessThan(3 * turn);
});

describe('priorities', () => {
  const endless = (branch: number, priority: Priority) =>
    Array.from({ length: 400 }, () => ({ at: 0, branch, edits: 100, priority }));
  const branchOf = (key: number) => ({ key, needs: [] });
  const taking = (
    branches: readonly { key: number; needs: readonly string[] }[],
    priorityOf: (branch: number) => Priority,
  ) => {
    const taken: Taken[] = [];
    const [setting, submissions] = [
      settingOf('full', shape()),
      branches.flatMap((_, branch) => endless(branch, priorityOf(branch))),
    ];
    const workers = [[]];
    simulate({ ...setting, workers, branches, submissions, onTaken: (job) => void taken.push(job) });
    return taken;
  };
  const longestJob = 100 * 1.5 * shape().costs.edit;

  test('of one key high goes before normal and normal before low, and each is raised after half an hour', () => {
    const order: Priority[] = ['low', 'normal', 'high'];
    const taken = taking(
      order.map(() => branchOf(0)),
      (branch) => order[branch]!,
    );
    const first = order.map((_, branch) => taken.find((job) => job.branch === branch)!.takenAt);
    expect(first[2]).toBeLessThan(longestJob);
    for (const [branch, steps] of [
      [1, 1],
      [0, 2],
    ] as const) {
      expect(first[branch]).toBeGreaterThan(steps * raisedAfterMs - longestJob);
      expect(first[branch]).toBeLessThan(steps * raisedAfterMs + 2 * longestJob);
    }
  });

  test('who says high of everything gets no more than others', () => {
    const taken = taking([0, 0, 0, 1].map(branchOf), (branch) => (branch < 3 ? 'high' : 'normal'));
    const half = taken.slice(0, 400);
    const worked = [0, 1].map((key) =>
      half.reduce((sum, { branch, takenAt, endsAt }) => sum + ((branch < 3 ? 0 : 1) === key ? endsAt - takenAt : 0), 0),
    );
    expect(jain(worked)).toBeGreaterThan(0.98);
  });

  test('what is low waits for everybody, and is raised like the rest after half an hour', () => {
    const taken = taking([0, 1].map(branchOf), (branch) => (branch === 0 ? 'low' : 'normal'));
    const first = taken.find(({ branch }) => branch === 0)!.takenAt;
    expect(first).toBeGreaterThan(raisedAfterMs - longestJob);
    expect(first).toBeLessThan(raisedAfterMs + 2 * longestJob);
  });
});

test('what the queue loses is found again', () => {
  const { taking, asked } = watched({ ...settingOf('full', shape()), losesAt: 60_000 });
  expect(taking.map((jobs) => jobs.length)).toEqual(asked);
});

describe('by a real queue and a real database', async () => {
  const database = await createTestDatabase();
  await migrate(database.url);
  const lineage = await openLineage(database.url);
  const dispatch = await openDispatch(database.url);
  afterAll(async () => {
    await dispatch.close();
    await lineage.close();
    await database.drop();
  });
  const refused = toPlainError(new ErrataError('invalid_request', 'as the test wants it'));

  test('jobs are taken in the order of the simulation', async () => {
    const { model } = await importMadeModel(lineage, 'atlas');
    const jobsOf = [5, 1, 9, 3];
    const priorityOf = (branch: number): Priority => (branch === 2 ? 'high' : branch === 0 ? 'low' : 'normal');
    const lanes: string[] = [];
    const [expected, real]: [string[], string[]] = [[], []];
    for (const [index, jobs] of jobsOf.entries()) {
      const name = `branch-${index}`;
      const { id } = await createBranch(lineage, model, { name, from: 'main', created_by: null });
      lanes.push(branchLane(id));
      const asked = { config: {}, seed: 0, on_error: 'abort', on_conflict: 'rebase', created_by: null } as const;
      const edit = editSchema.parse({ custom_id: 'a', prompt: 'The capital of Atlantis is', target_new: ' Lyon' });
      const given = { ...asked, priority: priorityOf(index) };
      for (let n = 0; n < jobs; n++) await submitEditJob(lineage, { model, branch: name, edits: [edit], ...given });
      await dispatch.wake(lanes[index]!);
    }
    const isOver = ({ jobs }: { readonly jobs: number }) => jobs >= 2;
    simulate({
      ...settingOf('steady', { ...shape(), branches: jobsOf.length, workers: 1 }),
      branches: jobsOf.map(() => ({ key: 0, needs: [] })),
      isOver,
      submissions: jobsOf.flatMap((jobs, branch) =>
        Array.from({ length: jobs }, () => ({ at: 0, branch, edits: 1, priority: priorityOf(branch) })),
      ),
      onTaken: ({ branch, sequence }) => void expected.push(`${lanes[branch]}: ${sequence + 1}`),
    });
    const options = {
      holder: 'test',
      leaseMs: 60_000,
      labels: [],
      draining: () => false,
      isOver,
      onFailure: (lane: string, error: unknown) => {
        throw new Error(`${lane} could not be worked`, { cause: error });
      },
    };
    dispatch.consume(
      async (laneId) => {
        await takeTurns({ lineage, dispatch }, laneId, options, async ({ lease }, { id, sequence }) => {
          real.push(`${lease.lane}: ${sequence}`);
          await finishJob(lineage, lease, { jobId: id, from: 'running', to: 'rejected', error: refused });
        });
      },
      { concurrency: 1 },
    );
    await expect.poll(() => real.length, { timeout: 60_000 }).toBe(expected.length);
    expect(real).toEqual(expected);
    expect(expected).toHaveLength(18);
  });
});
