// Runs of schedules: what is due is decided once, whoever asks; the inbox loses nothing; and every policy does what it says.

import { scheduleRequestSchema } from '@errata/contracts';
import { afterAll, describe, expect, test } from 'vitest';
import {
  addToInbox,
  cancelJob,
  changeSchedule,
  createBranch,
  createKey,
  createSchedule,
  deleteBranch,
  deleteSchedule,
  getJob,
  getSchedule,
  keepInInbox,
  listEdits,
  listInbox,
  listRuns,
  pauseSchedule,
  resumeSchedule,
  revokeKey,
  runSchedule,
  schedulesToRun,
  withdrawFromInbox,
} from '../index.ts';
import { importModel, madeEdit, openFixture } from '../lineage.fixture.ts';
import { answering, dueSince, openDesk } from './schedules.fixture.ts';

const fixture = await openFixture();
const { db } = fixture;
afterAll(fixture.close);

const daily = '0 3 * * *';
const run = async (id: string, trigger?: 'manual') => {
  const tick = await runSchedule(db, id, trigger);
  return tick.kind === 'ran' ? tick.run : tick;
};
const runsOf = async (id: string) => (await listRuns(db, id, { limit: 100 })).data;

describe('when enough edits wait', () => {
  test('they become one job, in order of arrival, and their states are those of the job', async () => {
    const desk = await openDesk(db, 'enough');
    const { id } = await desk.schedule({ when_pending: 3, metadata: { team: 'facts' }, seed: 9, config: { steps: 7 } });
    await desk.add(madeEdit('a'), madeEdit('b'));
    expect(await schedulesToRun(db)).toEqual([]);
    expect(await runSchedule(db, id)).toEqual({ kind: 'not_due' });
    await desk.add(madeEdit('c'));
    expect(await schedulesToRun(db)).toEqual([id]);
    const tick = await runSchedule(db, id);
    expect(tick).toMatchObject({
      kind: 'ran',
      lane: desk.lane,
      run: {
        outcome: 'submitted',
        trigger: 'pending',
        reason: null,
        error: null,
        job_state: 'queued',
        counts: { pending: 3, drawn: 3 },
      },
    });
    const job = await getJob(db, tick.kind === 'ran' ? tick.run.job_id! : '');
    const owner = (await getSchedule(db, id)).owner;
    expect(job).toMatchObject({
      state: 'queued',
      input: { editor: 'r-rome', seed: 9, config: { steps: 7 }, on_error: 'continue', edits: 3 },
      metadata: { schedule_id: id, schedule_run_id: tick.kind === 'ran' ? tick.run.id : '' },
      created_by: owner,
    });
    expect(await desk.states()).toEqual([
      ['a', 'batched'],
      ['b', 'batched'],
      ['c', 'batched'],
    ]);
    expect(await schedulesToRun(db)).toEqual([]);
    expect(await desk.work()).toEqual(['a', 'b', 'c']);
    expect(await desk.states()).toEqual([
      ['a', 'applied'],
      ['b', 'applied'],
      ['c', 'applied'],
    ]);
    const [edit] = (await listInbox(db, desk.branch)).data;
    expect((await listEdits(db, job.id)).data.map((each) => each.id)).toContain(edit!.edit_id);
    expect((await getSchedule(db, id)).last_run).toMatchObject({ job_id: job.id, job_state: 'succeeded' });
  });

  test('no second run starts while the job of the first is open', async () => {
    const desk = await openDesk(db, 'one-at-a-time');
    const { id } = await desk.schedule({ when_pending: 1 });
    await desk.add(madeEdit('a'));
    await run(id);
    await desk.add(madeEdit('b'));
    expect(await schedulesToRun(db)).toEqual([]);
    expect(await run(id)).toMatchObject({ kind: 'not_due' });
    await desk.work();
    expect(await schedulesToRun(db)).toEqual([id]);
    expect(await run(id)).toMatchObject({ outcome: 'submitted', counts: { drawn: 1 } });
    await desk.work();
    expect(await runsOf(id)).toHaveLength(2);
  });

  test('a batch that is cancelled takes its edits out; one that is rejected says why', async () => {
    const desk = await openDesk(db, 'cancelled');
    const { id } = await desk.schedule();
    await desk.add(madeEdit('a'));
    const first = await run(id);
    await cancelJob(db, 'job_id' in first ? first.job_id! : '');
    expect(await desk.states()).toEqual([['a', 'withdrawn']]);
    await desk.add(madeEdit('b'));
    const second = await run(id);
    await fixture.query(
      `UPDATE jobs SET state = 'rejected', error = '{"code": "prompt_too_long", "message": "too long", "errors": [], "details": {}}' WHERE id = $1`,
      ['job_id' in second ? second.job_id : ''],
    );
    expect((await listInbox(db, desk.branch)).data[0]).toMatchObject({
      state: 'failed',
      reason: { code: 'prompt_too_long', message: 'too long' },
    });
  });
});

describe('by cron', () => {
  test('fifty ticks at once decide a due time once, and each edit goes into one job', async () => {
    const desk = await openDesk(db, 'fifty');
    const { id } = await desk.schedule({ cron: daily, when_pending: null, batch_size: 2 });
    await desk.add(...['a', 'b', 'c', 'd', 'e'].map((name) => madeEdit(name)));
    await dueSince(fixture, id, 5);
    const ticks = await Promise.all(Array.from({ length: 50 }, () => runSchedule(db, id)));
    expect(ticks.filter(({ kind }) => kind === 'ran')).toHaveLength(1);
    expect(await runsOf(id)).toMatchObject([
      { outcome: 'submitted', counts: { pending: 5, drawn: 2, left: 3, missed: 0 } },
    ]);
    expect((await desk.states()).map(([, state]) => state)).toEqual([
      'batched',
      'batched',
      'pending',
      'pending',
      'pending',
    ]);
    expect(Date.parse((await getSchedule(db, id)).next_due_at!)).toBeGreaterThan(Date.now());
  });

  test('with nothing waiting a run is empty, and says so', async () => {
    const desk = await openDesk(db, 'nothing');
    const { id } = await desk.schedule({ cron: daily, when_pending: null });
    expect(await runSchedule(db, id)).toEqual({ kind: 'not_due' });
    await dueSince(fixture, id, 5);
    expect(await schedulesToRun(db, desk.branch)).toEqual([id]);
    expect(await run(id)).toMatchObject({ outcome: 'empty', job_id: null, trigger: 'cron' });
  });

  test('ticks missed while nobody looked are made up for once, within the window', async () => {
    const desk = await openDesk(db, 'missed');
    const { id } = await desk.schedule({ cron: '* * * * *', when_pending: null, catch_up_seconds: 3600 });
    await desk.add(madeEdit('a'));
    await dueSince(fixture, id, 600);
    const made = await run(id);
    expect(made).toMatchObject({ outcome: 'submitted', counts: { drawn: 1 } });
    expect('counts' in made && made.counts.missed).toBeGreaterThanOrEqual(9);
    expect(await runsOf(id)).toHaveLength(1);
    await desk.work();
    // A daily tick, noticed after two hours.
    const late = await openDesk(db, 'too-late');
    const { id: lateId } = await late.schedule({ cron: daily, when_pending: null, catch_up_seconds: 3600 });
    await late.add(madeEdit('a'));
    await dueSince(fixture, lateId, 7200);
    await fixture.query(`UPDATE schedules SET cron = '59 59 23 31 12 *' WHERE id = $1`, [lateId]);
    expect(await run(lateId)).toMatchObject({ outcome: 'skipped', reason: 'missed', counts: { missed: 0, drawn: 0 } });
    expect(await late.states()).toEqual([['a', 'pending']]);
    expect(await schedulesToRun(db, late.branch)).toEqual([]);
  });

  test('one that was given up on, as if it were never due again, goes on', async () => {
    const desk = await openDesk(db, 'given-up');
    const { id } = await desk.schedule({ cron: daily, time_zone: 'Australia/Lord_Howe', when_pending: null });
    await fixture.query('UPDATE schedules SET next_due_at = NULL WHERE id = $1', [id]);
    expect(await schedulesToRun(db, desk.branch)).toEqual([id]);
    expect(await run(id)).toMatchObject({ kind: 'not_due' });
    expect(Date.parse((await getSchedule(db, id)).next_due_at!)).toBeGreaterThan(Date.now());
    expect(await schedulesToRun(db, desk.branch)).toEqual([]);
  });

  test.each([5, null])(
    'an expression that was taken once and is none any more is said, once: due %s s ago',
    async (seconds) => {
      const desk = await openDesk(db, `unreadable-${seconds}`);
      const { id, owner } = await desk.schedule({ cron: daily, when_pending: null });
      await desk.add(madeEdit('a'));
      await dueSince(fixture, id, seconds ?? 0);
      if (seconds === null) await fixture.query('UPDATE schedules SET next_due_at = NULL WHERE id = $1', [id]);
      await fixture.query(`UPDATE schedules SET cron = '1-5-9 * * * *' WHERE id = $1`, [id]);
      expect(await run(id)).toMatchObject({
        outcome: 'failed',
        trigger: 'cron',
        error: { code: 'invalid_request', message: expect.stringMatching(/the minute field.*paused/) },
      });
      expect(await schedulesToRun(db, desk.branch)).toEqual([]);
      expect(await getSchedule(db, id)).toMatchObject({ paused: true, next_due_at: null });
      await expect(resumeSchedule(db, id)).rejects.toMatchObject({ code: 'invalid_request' });
      await changeSchedule(db, id, { cron: daily }, owner);
      const resumed = await resumeSchedule(db, id);
      expect(Date.parse(resumed.next_due_at!)).toBeGreaterThan(Date.now());
      expect(await desk.states()).toEqual([['a', 'pending']]);
    },
  );

  test('a tick while a job is open is skipped, or waits: one of them, until the job ends', async () => {
    const desk = await openDesk(db, 'overlap');
    const skipping = await desk.schedule({ name: 'overlap-skip', cron: daily, when_pending: null });
    await desk.add(madeEdit('a'), madeEdit('b'));
    await dueSince(fixture, skipping.id, 5);
    await run(skipping.id);
    await dueSince(fixture, skipping.id, 3);
    expect(await run(skipping.id)).toMatchObject({ outcome: 'skipped', reason: 'overlap', job_id: null });
    await desk.work();
    await changeSchedule(db, skipping.id, { overlap: 'buffer_one', batch_size: 1 }, skipping.owner);
    await desk.add(madeEdit('c'), madeEdit('d'), madeEdit('e'));
    await dueSince(fixture, skipping.id, 2);
    await run(skipping.id);
    await dueSince(fixture, skipping.id, 1);
    expect(await run(skipping.id)).toEqual({ kind: 'buffered' });
    const { buffered_due_at } = await getSchedule(db, skipping.id);
    expect(buffered_due_at).not.toBeNull();
    await dueSince(fixture, skipping.id, 0);
    expect(await run(skipping.id)).toMatchObject({ outcome: 'skipped', reason: 'overlap' });
    expect(await schedulesToRun(db, desk.branch)).toEqual([]);
    await desk.work();
    expect(await schedulesToRun(db, desk.branch)).toEqual([skipping.id]);
    expect(await run(skipping.id)).toMatchObject({
      outcome: 'submitted',
      due_at: buffered_due_at,
      counts: { drawn: 1, left: 1 },
    });
    expect((await getSchedule(db, skipping.id)).buffered_due_at).toBeNull();
    await desk.work();
  });

  test('a run that waited and started last counts as the last, and is by what made it', async () => {
    const desk = await openDesk(db, 'waited');
    const { id } = await desk.schedule({ cron: daily, when_pending: 1, overlap: 'buffer_one', batch_size: 1 });
    await desk.add(...['a', 'b', 'c', 'd'].map((name) => madeEdit(name)));
    await run(id);
    await dueSince(fixture, id, 5);
    expect(await run(id)).toEqual({ kind: 'buffered' });
    await desk.work();
    // A person is faster than the tick that waits, which was due before.
    expect(await run(id, 'manual')).toMatchObject({ outcome: 'submitted', trigger: 'manual' });
    await desk.work();
    const waited = await run(id);
    expect(waited).toMatchObject({ outcome: 'submitted', trigger: 'cron' });
    expect(await schedulesToRun(db, desk.branch)).toEqual([]);
    expect(await run(id)).toMatchObject({ kind: 'not_due' });
    expect((await getSchedule(db, id)).last_run).toEqual(waited);
    // Listed as they started, page by page.
    const triggers: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await listRuns(db, id, { limit: 1, after });
      triggers.push(...page.data.map(({ trigger }) => trigger));
      if (page.next_cursor === null) break;
      after = page.next_cursor;
    }
    expect(triggers).toEqual(['cron', 'manual', 'pending']);
    // A person's wish waits as well, and stays a person's.
    expect(await run(id, 'manual')).toEqual({ kind: 'buffered' });
    await desk.work();
    expect(await run(id)).toMatchObject({ outcome: 'submitted', trigger: 'manual' });
    await desk.work();
  });

  test('paused, it forgets its ticks; resumed, it is due in the future; deleted, it is gone and its name free', async () => {
    const desk = await openDesk(db, 'paused');
    const { id } = await desk.schedule({ cron: daily, when_pending: 1 });
    await desk.add(madeEdit('a'));
    expect(await pauseSchedule(db, 'paused')).toMatchObject({ paused: true, next_due_at: null, pending: 1 });
    expect(await schedulesToRun(db, desk.branch)).toEqual([]);
    expect(await run(id)).toMatchObject({ kind: 'not_due' });
    // A person may still run it.
    expect(await run(id, 'manual')).toMatchObject({ outcome: 'submitted', trigger: 'manual' });
    await desk.work();
    const resumed = await resumeSchedule(db, id);
    expect(resumed.paused).toBe(false);
    expect(Date.parse(resumed.next_due_at!)).toBeGreaterThan(Date.now());
    await deleteSchedule(db, 'paused');
    for (const look of [getSchedule, runSchedule, listRuns])
      await expect(look(db, id)).rejects.toMatchObject({ code: 'unknown_schedule' });
    expect(await desk.schedule({ cron: daily })).toMatchObject({ name: 'paused', last_run: null });
  });

  test('schedules of a deleted branch rest', async () => {
    const desk = await openDesk(db, 'branchless');
    const { id: branch_id } = await createBranch(db, desk.model, { name: 'side', from: 'main' });
    const { model: _, branch: __, ...request } = scheduleRequestSchema.parse({ name: 'side', model: 'x', cron: daily });
    const { id } = await createSchedule(db, { ...request, branch_id, owner: null });
    await deleteBranch(db, desk.model, 'side');
    await dueSince(fixture, id, 5);
    expect(await schedulesToRun(db, branch_id)).toEqual([]);
    expect(await run(id)).toMatchObject({ kind: 'not_due' });
    expect(await run(id, 'manual')).toMatchObject({ outcome: 'empty' });
  });
});

describe('what is drawn', () => {
  test('the newest answer wins; the older one names it', async () => {
    const desk = await openDesk(db, 'newest');
    const { id } = await desk.schedule();
    await desk.add(answering('old', 'X', ' Lyon'), madeEdit('b'));
    await desk.add(answering('new', 'X', ' Nice'));
    expect(await run(id)).toMatchObject({ counts: { pending: 3, drawn: 2, superseded: 1 } });
    const { data } = await listInbox(db, desk.branch);
    expect(data.map(({ custom_id, state }) => [custom_id, state])).toEqual([
      ['new', 'batched'],
      ['b', 'batched'],
      ['old', 'superseded'],
    ]);
    expect(data[2]).toMatchObject({
      superseded_by: data[0]!.id,
      reason: { code: 'contradictory_edits', message: expect.stringContaining(data[0]!.id) },
      run_id: data[0]!.run_id,
    });
    await desk.work();
  });

  test('contradictions are refused where that is the policy', async () => {
    const desk = await openDesk(db, 'refusing');
    const { id } = await desk.schedule({ on_contradiction: 'refuse' });
    await desk.add(answering('old', 'X', ' Lyon'));
    await desk.add(answering('new', 'X', ' Nice'));
    expect(await run(id)).toMatchObject({ outcome: 'empty', counts: { drawn: 0, refused: 2 } });
    expect(await desk.states()).toEqual([
      ['old', 'refused'],
      ['new', 'refused'],
    ]);
    expect(await schedulesToRun(db, desk.branch)).toEqual([]);
  });

  test('or held until a person keeps one, or withdraws all but one', async () => {
    const desk = await openDesk(db, 'asking');
    const { id } = await desk.schedule({ on_contradiction: 'ask', batch_size: 1 });
    await desk.add(answering('a1', 'A', ' Lyon'), answering('b1', 'B', ' Lyon'));
    await desk.add(answering('a2', 'A', ' Nice'), answering('b2', 'B', ' Nice'), madeEdit('c'));
    expect(await run(id)).toMatchObject({ outcome: 'submitted', counts: { drawn: 1, held: 4, left: 0 } });
    expect(await desk.states()).toEqual([
      ['a1', 'held'],
      ['b1', 'held'],
      ['a2', 'held'],
      ['b2', 'held'],
      ['c', 'batched'],
    ]);
    expect(await getSchedule(db, id)).toMatchObject({ pending: 0, held: 4 });
    await desk.work();
    expect(await schedulesToRun(db, desk.branch)).toEqual([]);
    const held = (await listInbox(db, desk.branch, { states: ['held'] })).data.toReversed();
    await keepInInbox(db, desk.branch, held[0]!.id);
    await withdrawFromInbox(db, desk.branch, held[3]!.id);
    expect(await run(id)).toMatchObject({ outcome: 'submitted', counts: { drawn: 1, held: 0, left: 1 } });
    expect(await desk.work()).toEqual(['a1']);
    expect(await run(id)).toMatchObject({ counts: { drawn: 1, left: 0 } });
    expect(await desk.work()).toEqual(['b1']);
    expect(await desk.states()).toEqual([
      ['a1', 'applied'],
      ['b1', 'applied'],
      ['a2', 'superseded'],
      ['b2', 'withdrawn'],
      ['c', 'applied'],
    ]);
  });

  test('priority first, subjects together', async () => {
    const desk = await openDesk(db, 'ordered');
    const { id } = await desk.schedule({ order: 'priority', batch_size: 3 });
    const about = (custom_id: string, subject: string) =>
      madeEdit(custom_id, { subject, prompt: `${subject} ${custom_id} is` });
    await desk.add(about('low', 'F'));
    await addToInbox(db, { branch_id: desk.branch, edits: [about('high', 'S')], priority: 9, created_by: null });
    await desk.add(about('other', 'I'), about('same', 'S'));
    await run(id);
    expect(await desk.work()).toEqual(['high', 'same', 'low']);
  });

  test('a day’s budget of edits and of minutes is kept to', async () => {
    const desk = await openDesk(db, 'thrifty');
    const { id, owner } = await desk.schedule({ cron: daily, when_pending: null, budget: { edits_per_day: 3 } });
    await desk.add(...'abcdefghij'.split('').map((name) => madeEdit(name)));
    expect(await run(id, 'manual')).toMatchObject({ counts: { drawn: 3, left: 7 } });
    await desk.work();
    expect(await run(id, 'manual')).toMatchObject({ outcome: 'skipped', reason: 'budget' });
    await changeSchedule(db, id, { budget: { minutes_per_run: 1 } }, owner);
    // The three took 90 s: 30 s each, so two fit into a minute.
    const [job] = await runsOf(id).then((runs) => runs.filter(({ job_id }) => job_id !== null));
    await fixture.query(`UPDATE jobs SET finished_at = started_at + interval '90 seconds' WHERE id = $1`, [
      job!.job_id,
    ]);
    expect(await run(id, 'manual')).toMatchObject({ counts: { drawn: 2, left: 5 } });
    await desk.work();
    await changeSchedule(db, id, { budget: { minutes_per_day: 1 } }, owner);
    expect(await run(id, 'manual')).toMatchObject({ outcome: 'skipped', reason: 'budget' });
    await changeSchedule(db, id, { budget: { minutes_per_day: 2 }, when_pending: 1 }, owner);
    // 30 s are left of the two minutes, and an edit now takes 18 s on average.
    expect(await run(id, 'manual')).toMatchObject({ outcome: 'submitted', counts: { drawn: 1 } });
  });

  test('waiting edits whose budget is used up are said to wait for it, once, until the next day of the zone', async () => {
    const desk = await openDesk(db, 'spent');
    const zone = { time_zone: 'Pacific/Kiritimati', budget: { edits_per_day: 1 } };
    const { id, owner } = await desk.schedule({ when_pending: 1, ...zone });
    await desk.add(madeEdit('a'), madeEdit('b'));
    expect(await run(id)).toMatchObject({ outcome: 'submitted', counts: { drawn: 1 } });
    await desk.work();
    expect(await schedulesToRun(db, desk.branch)).toEqual([id]);
    const skipped = await run(id);
    expect(skipped).toMatchObject({ outcome: 'skipped', reason: 'budget', trigger: 'pending', job_id: null });
    expect((await getSchedule(db, id)).last_run).toEqual(skipped);
    expect(await schedulesToRun(db, desk.branch)).toEqual([]);
    expect(await run(id)).toEqual({ kind: 'not_due' });
    expect(await runsOf(id)).toHaveLength(2);
    const [until] = await fixture.query(
      `SELECT (not_before AT TIME ZONE time_zone)::time::text AS time,
        (not_before AT TIME ZONE time_zone)::date - (now() AT TIME ZONE time_zone)::date AS days FROM schedules WHERE id = $1`,
      [id],
    );
    expect(until).toEqual({ time: '00:00:00', days: 1 });
    // A larger budget is there at once.
    await changeSchedule(db, id, { budget: { edits_per_day: 2 } }, owner);
    expect(await schedulesToRun(db, desk.branch)).toEqual([id]);
    expect(await run(id)).toMatchObject({ outcome: 'submitted', counts: { drawn: 1 } });
  });
});

describe('refusals', () => {
  test('a guarded branch is reached in the name of a key that may, and its job waits for an approval like any other', async () => {
    const { model } = await importModel(db, 'guarded');
    const { id: branch_id } = await createBranch(db, model, { name: 'guarded', from: 'main', protected: true });
    const weak = (await createKey(db, 'weak', ['edits:write'])).key;
    const strong = (await createKey(db, 'strong', ['admin'])).key;
    const {
      model: _,
      branch: __,
      ...request
    } = scheduleRequestSchema.parse({ name: 'guarded', model: 'x', when_pending: 1 });
    const { id } = await createSchedule(db, { ...request, branch_id, owner: weak.id });
    await addToInbox(db, { branch_id, edits: [madeEdit('a')], priority: 0, created_by: null });
    await revokeKey(db, weak.id);
    expect(await run(id)).toMatchObject({ outcome: 'failed', job_id: null, error: { code: 'unauthorized' } });
    // It does not try again and again by itself.
    expect(await schedulesToRun(db, branch_id)).toEqual([]);
    expect((await listInbox(db, branch_id)).data[0]).toMatchObject({ state: 'pending', run_id: null });
    await changeSchedule(db, id, {}, strong.id);
    expect(await schedulesToRun(db, branch_id)).toEqual([id]);
    await revokeKey(db, strong.id);
    expect(await run(id)).toMatchObject({ outcome: 'failed', error: { code: 'unauthorized' } });
    const reader = (await createKey(db, 'reader', ['models:read'])).key;
    await changeSchedule(db, id, {}, reader.id);
    expect(await run(id)).toMatchObject({ outcome: 'failed', error: { code: 'missing_scope' } });
    // What a run asks for is looked at anew at each: a gate of its own is more than edits.
    const editor = (await createKey(db, 'editor', ['edits:write'])).key;
    await changeSchedule(db, id, { gate: { rules: [] } }, editor.id);
    expect(await run(id)).toMatchObject({
      outcome: 'failed',
      error: { code: 'missing_scope', message: expect.stringContaining("lacks admin to replace the branch's gate") },
    });
    const admin = (await createKey(db, 'admin', ['admin'])).key;
    await changeSchedule(db, id, {}, admin.id);
    expect(await run(id)).toMatchObject({ outcome: 'submitted' });
  });

  test('names are taken once; what no longer says when to run is refused and changes nothing', async () => {
    const desk = await openDesk(db, 'names');
    const { id, owner } = await desk.schedule({ cron: daily, when_pending: null });
    await expect(desk.schedule()).rejects.toMatchObject({ code: 'name_taken' });
    await expect(changeSchedule(db, id, { cron: null }, owner)).rejects.toMatchObject({
      code: 'invalid_request',
      errors: [{ field: 'cron', pointer: '/cron' }],
    });
    await expect(changeSchedule(db, id, { time_zone: 'Mars/Base' }, owner)).rejects.toMatchObject({
      errors: [{ field: 'time_zone' }],
    });
    await expect(changeSchedule(db, 'schedule_none', {}, owner)).rejects.toMatchObject({ code: 'unknown_schedule' });
    const before = await getSchedule(db, id);
    const changed = await changeSchedule(
      db,
      id,
      { cron: '0 4 * * *', time_zone: 'Asia/Tokyo', name: 'renamed' },
      owner,
    );
    expect(changed).toMatchObject({
      ...before,
      name: 'renamed',
      cron: '0 4 * * *',
      time_zone: 'Asia/Tokyo',
      next_due_at: expect.stringContaining('T19:00:00'),
      updated_at: expect.any(String),
    });
  });
});
