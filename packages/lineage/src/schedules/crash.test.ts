// Crashes of a schedule's run and of a delivery: wherever the process dies, no edit is lost and none is applied twice.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Failpoint, failpoints } from '@errata/failpoints';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { activeEdits, addToInbox, checkBranch, listRuns, runSchedule, schedulesToRun } from '../index.ts';
import { madeEdit, openFixture } from '../lineage.fixture.ts';
import { type Desk, dueSince, openDesk } from './schedules.fixture.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('./process.fixture.ts', import.meta.url));
const fixture = await openFixture();
const { db } = fixture;
afterAll(fixture.close);
afterEach(() => {
  delete process.env.ERRATA_FAILPOINT;
});

const names = ['a', 'b', 'c', 'd', 'e'];
const places = (prefix: string) => failpoints.filter((name) => name.startsWith(`${prefix}.`));

async function killedAt(place: Failpoint, ...args: readonly string[]): Promise<void> {
  const env = { ...process.env, ERRATA_FAILPOINT: `${place}:kill` };
  const child = run(process.execPath, ['--import', 'tsx', script, fixture.url, ...args], { env });
  await expect(child).rejects.toMatchObject({ signal: 'SIGKILL' });
}

/** A schedule whose tick is due and whose inbox holds more than one batch, contradictions included. */
async function dueSchedule(name: string): Promise<{ desk: Desk; id: string }> {
  const desk = await openDesk(db, name);
  const { id } = await desk.schedule({ cron: '0 3 * * *', when_pending: null, batch_size: 2 });
  await desk.add(madeEdit('a', { target_new: ' Nice' }));
  await fixture.query(`UPDATE inbox_edits SET custom_id = 'old' WHERE branch_id = $1`, [desk.branch]);
  await desk.add(...names.map((each) => madeEdit(each)));
  await dueSince(fixture, id, 2);
  return { desk, id };
}

/** The tick is decided exactly once, and running on applies every edit exactly once, in order. */
async function expectNothingLost(desk: Desk, id: string): Promise<void> {
  await runSchedule(db, id);
  expect((await listRuns(db, id)).data).toMatchObject([
    { outcome: 'submitted', trigger: 'cron', counts: { pending: 6, drawn: 2, superseded: 1, left: 3 } },
  ]);
  expect(await schedulesToRun(db, desk.branch)).toEqual([]);
  const applied = [...(await desk.work())];
  while (applied.length < names.length) {
    await runSchedule(db, id, 'manual');
    applied.push(...(await desk.work()));
  }
  expect(applied).toEqual(names);
  expect((await activeEdits(db, desk.branch)).map(({ custom_id }) => custom_id)).toEqual(names);
  expect(await desk.states()).toEqual([['old', 'superseded'], ...names.map((name) => [name, 'applied'])]);
  expect(await checkBranch(db, desk.branch)).toEqual({ moves: 4 });
}

describe('a run', () => {
  test.each(places('schedule'))('with an error at %s', async (place) => {
    const { desk, id } = await dueSchedule(`error.${place}`);
    process.env.ERRATA_FAILPOINT = `${place}:error`;
    await expect(runSchedule(db, id)).rejects.toThrow(`failpoint ${place}`);
    delete process.env.ERRATA_FAILPOINT;
    expect((await listRuns(db, id)).data).toHaveLength(place === 'schedule.after' ? 1 : 0);
    await expectNothingLost(desk, id);
  });

  test.each(places('schedule'))('killed at %s', async (place) => {
    const { desk, id } = await dueSchedule(`kill.${place}`);
    await killedAt(place, 'run', id);
    // It is left to whoever decides it until the server has noticed that nobody does.
    const still = place === 'schedule.after' ? [] : [id];
    await expect.poll(() => schedulesToRun(db, desk.branch), { timeout: 30_000 }).toEqual(still);
    await expectNothingLost(desk, id);
  });
});

test.each(places('inbox'))('a delivery killed at %s and sent again is there once', async (place) => {
  const desk = await openDesk(db, `deliver.${place}`);
  await killedAt(place, 'add', desk.branch, 'a');
  expect(await desk.states()).toHaveLength(place === 'inbox.after' ? 1 : 0);
  await addToInbox(db, { branch_id: desk.branch, edits: [madeEdit('a')], priority: 0, created_by: null });
  expect(await desk.states()).toEqual([['a', 'pending']]);
});
