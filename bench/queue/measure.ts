// What a decision takes of the real database, behind more and more waiting jobs.

import { defaultProject, editSchema } from '@errata/contracts';
import {
  acquireLease,
  branchLane,
  changeProject,
  createBranch,
  type Lineage,
  moveJob,
  releaseLease,
  submitEditJob,
  takeNextJob,
  waitingLanes,
} from '@errata/lineage';
import { countOpenJobs, waitingSince } from '../../apps/api/src/queries.ts';
import { commitMadeEdit, hold, importMadeModel } from '../../test/support/history.ts';
import { openBenchDatabase } from '../history.ts';
import { median } from '../median.ts';
import { processorSeconds } from '../processor-time.ts';

const repeats = 41;

/** @param counts of waiting jobs, in ascending order, spread evenly over the branches */
export async function measureDecisions(counts: readonly number[], branches: number): Promise<void> {
  const { db, query, close } = await openBenchDatabase();
  try {
    const lanes = await makeBranches(db, branches);
    const many = 1_000_000_000;
    await changeProject(db, defaultProject.id, { quotas: { edits_per_day: many, storage_mib: many } });
    console.log(
      `PostgreSQL's processor time of a job of one edit, from submission to commit: ${await processorTime(db, query)} ms`,
    );
    console.log(`${branches} branches; medians of ${repeats}, in ms\n`);
    const names = Object.keys(worksOn(db, lanes));
    console.log(`| waiting jobs | ${names.join(' | ')} |\n|---|${names.map(() => '---|').join('')}`);
    let waiting = 0;
    for (const count of counts) {
      await submitMany(query, lanes, count - waiting);
      waiting = count;
      await query('VACUUM ANALYZE');
      const cells: string[] = [];
      for (const work of Object.values(worksOn(db, lanes))) cells.push((await medianOf(work)).toFixed(1));
      console.log(`| ${count} | ${cells.join(' | ')} |`);
    }
  } finally {
    await close();
  }
}

const madeEdit = editSchema.parse({ custom_id: 'a', prompt: 'The capital of Atlantis is', target_new: ' Lyon' });

type Timed = () => Promise<number>;

/** What is timed of each is part of it only. */
function worksOn(db: Lineage, lanes: readonly string[]): Readonly<Record<string, Timed>> {
  let at = 0;
  const next = () => {
    at = (at + 7) % lanes.length;
    return lanes[at]!;
  };
  const ms = 60_000;
  return {
    'take a lane and give it back': () => {
      const lane = next();
      return timed(async () => releaseLease(db, (await acquireLease(db, lane, 'bench', ms))!));
    },
    'take its next job': async () => {
      const lease = (await acquireLease(db, next(), 'bench', ms))!;
      let job: Awaited<ReturnType<typeof takeNextJob>> = null;
      const took = await timed(async () => {
        job = await takeNextJob(db, lease);
      });
      await moveJob(db, lease, job!.id, 'running', 'queued');
      await releaseLease(db, lease);
      return took;
    },
    'look which lane is next': () => timed(() => waitingLanes(db)),
    'count open jobs': () => timed(() => countOpenJobs(db)),
    'since when the oldest waits': () => timed(() => waitingSince(db)),
    'submit an edit, under quotas of edits and storage': () =>
      timed(() =>
        submitEditJob(db, {
          model: 'bench',
          branch: 'branch-0',
          edits: [madeEdit],
          config: {},
          seed: 0,
          on_error: 'abort',
          on_conflict: 'fail',
          created_by: null,
        }),
      ),
  };
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};

async function medianOf(work: Timed): Promise<number> {
  await work();
  const times: number[] = [];
  for (let n = 0; n < repeats; n++) times.push(await work());
  return median(times);
}

async function makeBranches(db: Lineage, count: number): Promise<readonly string[]> {
  const { model } = await importMadeModel(db, 'bench');
  const lanes: string[] = [];
  for (let n = 0; n < count; n++) {
    const { id } = await createBranch(db, model, { name: `branch-${n}`, from: 'main', created_by: null });
    lanes.push(branchLane(id));
  }
  return lanes;
}

/** Of all its processes, for jobs one after another. */
async function processorTime(db: Lineage, query: <T>(sql: string) => Promise<T[]>): Promise<string> {
  const branch = await importMadeModel(db, 'busy');
  const lease = await hold(db, branch.lane);
  const jobs = 200;
  const spent = async () => {
    const processes = await query<{ pid: number }>('SELECT pid FROM pg_stat_activity');
    return processes.reduce((sum, { pid }) => sum + (processorSeconds(pid) ?? 0), 0);
  };
  for (let n = 0; n < 20; n++) await commitMadeEdit(db, branch, lease);
  const before = await spent();
  for (let n = 0; n < jobs; n++) await commitMadeEdit(db, branch, lease);
  return (((await spent()) - before) * (1000 / jobs)).toFixed(1);
}

/** Rows as submissions leave them, without their edits, which no decision reads; and as many contributions, as jobs before them left. */
async function submitMany(query: (sql: string) => Promise<unknown>, lanes: readonly string[], count: number) {
  const listed = lanes.map((lane) => `'${lane}'`).join(', ');
  await query(`INSERT INTO lanes (id) SELECT unnest(ARRAY[${listed}]) ON CONFLICT DO NOTHING`);
  await query(`
    WITH of_lane AS (
      SELECT lanes.id AS lane, lanes.next_sequence AS first, branches.id AS branch, branches.model_id AS model,
        row_number() OVER (ORDER BY lanes.id) - 1 AS number
      FROM lanes JOIN branches ON lanes.id = 'branch:' || branches.id WHERE lanes.id IN (${listed})
    ), added AS (
      INSERT INTO jobs (id, kind, lane_id, sequence, model_id, branch_id, input)
      SELECT 'job_' || gen_random_uuid(), 'edit', lane, first + n / ${lanes.length}, model, branch,
        '{"editor": "r-rome", "config": {}, "seed": 0, "on_error": "abort", "on_conflict": "fail", "gate": null, "edits": 1}'
      FROM generate_series(0, ${count - 1}) AS n JOIN of_lane ON number = n % ${lanes.length}
      RETURNING lane_id
    )
    UPDATE lanes SET next_sequence = next_sequence + given.jobs
    FROM (SELECT lane_id, count(*)::integer AS jobs FROM added GROUP BY lane_id) AS given WHERE id = given.lane_id`);
  await query(`
    INSERT INTO contributions (id, model_id, depth, job_id, edit_ids, deltas, bytes, total_bytes, version_id)
    SELECT 'contribution_' || gen_random_uuid(), model_id, 1, id, '{}', '[]', 15616, 15616, 'ver_' || gen_random_uuid()
    FROM jobs WHERE model_id IS NOT NULL AND kind = 'edit' ORDER BY created_at DESC LIMIT ${count}`);
}
