// Crashes on the commit path: whatever step a worker dies at, the job ends with one version and one story.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Failpoint, failpoints } from '@errata/failpoints';
import { afterAll, afterEach, expect, test } from 'vitest';
import { checkBranch, getJob, type Lineage, listEvents } from '../index.ts';
import {
  commitEdits,
  importModel,
  madeEdit,
  openFixture,
  submitEdits,
  take,
  toCommitting,
} from '../lineage.fixture.ts';

const run = promisify(execFile);
const worker = fileURLToPath(new URL('./crash-worker.fixture.ts', import.meta.url));
const fixture = await openFixture();
const { db } = fixture;
afterAll(fixture.close);
afterEach(() => {
  delete process.env.ERRATA_FAILPOINT;
});

/** Takes the lane's job, if one is left, and commits it. */
async function work(lane: string, ttlMs: number): Promise<void> {
  const { lease, taken } = await take(db, lane, ttlMs);
  await toCommitting(db, lease, taken.id);
  await commitEdits(db, lease, taken);
}

async function expectOneVersion(db: Lineage, branch: string, job: string): Promise<void> {
  expect(await checkBranch(db, branch)).toEqual({ moves: 2 });
  expect(await getJob(db, job)).toMatchObject({ state: 'succeeded', error: null });
  const types = (await listEvents(db, job, { limit: 100 })).data.map(({ type }) => type);
  expect(types.filter((type) => type === 'succeeded')).toHaveLength(1);
  // Every state the job was in was entered by an event: the story has no gap.
  const order = ['queued', 'running', 'evaluating', 'committing', 'succeeded'];
  for (const [index, type] of types.slice(1).entries()) {
    expect(type === 'queued' || order.indexOf(type) === order.indexOf(types[index]!) + 1, types.join(' ')).toBe(true);
  }
}

const steps = failpoints.filter((name) => /^(take|transition|commit)\./.test(name));

test.each(steps)('an error at %s leaves the job whole, for the next worker to finish', async (place: Failpoint) => {
  const { lane, branch } = await importModel(db, `error.${place}`);
  const job = await submitEdits(db, `error.${place}`, [madeEdit('a'), madeEdit('b')]);
  process.env.ERRATA_FAILPOINT = `${place}:error`;
  await expect(work(lane, 0)).rejects.toThrow(`failpoint ${place}`);
  if (place === 'commit.after') expect((await getJob(db, job.id)).state).toBe('succeeded');
  else await work(lane, 60_000);
  await expectOneVersion(db, branch, job.id);
});

test.each(['take.after', 'commit.after_version', 'commit.before_commit', 'commit.after'] satisfies Failpoint[])(
  'a worker killed at %s loses nothing and doubles nothing',
  async (place) => {
    const { lane, branch } = await importModel(db, `kill.${place}`);
    const job = await submitEdits(db, `kill.${place}`, [madeEdit('a'), madeEdit('b')]);
    const env = { ...process.env, ERRATA_FAILPOINT: `${place}:kill` };
    const child = run(process.execPath, ['--import', 'tsx', worker, fixture.url, lane], { env });
    await expect(child).rejects.toMatchObject({ signal: 'SIGKILL' });
    if (place === 'commit.after') expect((await getJob(db, job.id)).state).toBe('succeeded');
    else await work(lane, 60_000);
    await expectOneVersion(db, branch, job.id);
  },
);
