// The queue with many branches and workers, in simulated time by the rules of workers; and the same jobs in the same order by real parts.
import { ErrataError, editSchema, toPlainError } from '@errata/contracts';
import { branchLane, createBranch, finishJob, migrate, openLineage, submitEditJob } from '@errata/lineage';
import { uniform } from '@errata/models';
import { openDispatch } from '@errata/queue';
import { afterAll, describe, expect, test } from 'vitest';
import { takeTurn } from '../apps/worker/src/index.ts';
import { jain } from '../bench/queue/figures.ts';
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

  test('none starves: nobody has two turns while another waits for one', () => {
    expect(run.overtaken).toBeGreaterThan(0);
    expect(run.overtaken).toBeLessThan(setting.branches.length + setting.workers.length);
  });

  test('jobs go to workers that have what they need', () => {
    const able = ({ branch, worker }: Taken) =>
      setting.branches[branch]!.needs.every((label) => setting.workers[worker]!.includes(label));
    expect(taken.filter((job) => !able(job))).toEqual([]);
  });
});

test('branches that all have enough to do get much alike of the workers, whether they ask for edits one by one or by hundreds', () => {
  const large = { ...shape(), edits: 120_000 };
  const worked: number[] = Array(large.branches).fill(0);
  const until = (large.edits * large.costs.edit) / large.workers / 4;
  simulate({
    ...settingOf('full', large),
    onTaken: ({ branch, takenAt, endsAt }) => {
      if (endsAt <= until) worked[branch]! += endsAt - takenAt;
    },
  });
  expect(jain(worked)).toBeGreaterThan(0.75);
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
    const lanes: string[] = [];
    const [expected, real]: [string[], string[]] = [[], []];
    for (const [index, jobs] of jobsOf.entries()) {
      const name = `branch-${index}`;
      const { id } = await createBranch(lineage, model, { name, from: 'main', created_by: null });
      lanes.push(branchLane(id));
      const asked = { config: {}, seed: 0, on_error: 'abort', on_conflict: 'rebase', created_by: null } as const;
      const edit = editSchema.parse({ custom_id: 'a', prompt: 'The capital of Atlantis is', target_new: ' Lyon' });
      for (let n = 0; n < jobs; n++) await submitEditJob(lineage, { model, branch: name, edits: [edit], ...asked });
      await dispatch.wake(lanes[index]!);
    }
    const isOver = ({ jobs }: { readonly jobs: number }) => jobs >= 2;
    simulate({
      ...settingOf('steady', { ...shape(), branches: jobsOf.length, workers: 1 }),
      isOver,
      submissions: jobsOf.flatMap((jobs, branch) => Array.from({ length: jobs }, () => ({ at: 0, branch, edits: 1 }))),
      onTaken: ({ branch, sequence }) => void expected.push(`${lanes[branch]}: ${sequence + 1}`),
    });
    const options = { holder: 'test', leaseMs: 60_000, labels: [], draining: () => false, isOver };
    dispatch.consume(
      async (laneId) => {
        await takeTurn({ lineage, dispatch }, laneId, options, async ({ lease }, { id, sequence }) => {
          real.push(`${laneId}: ${sequence}`);
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
