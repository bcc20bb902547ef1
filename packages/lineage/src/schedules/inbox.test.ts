// The inbox: nothing is lost or doubled on the way in, and every edit's state is its job's.
import { type InboxEdit, inboxLimit, inboxStates } from '@errata/contracts';
import { afterAll, afterEach, expect, test } from 'vitest';
import {
  addToInbox,
  countWaiting,
  createBranch,
  deleteBranch,
  keepInInbox,
  listInbox,
  runSchedule,
  schedulesToRun,
  withdrawFromInbox,
} from '../index.ts';
import { importModel, madeEdit, openFixture } from '../lineage.fixture.ts';
import { openDesk } from './schedules.fixture.ts';

const fixture = await openFixture();
const { db } = fixture;
afterAll(fixture.close);
afterEach(() => {
  delete process.env.ERRATA_FAILPOINT;
});

const add = (branch_id: string, ...edits: ReturnType<typeof madeEdit>[]) =>
  addToInbox(db, { branch_id, edits, priority: 0, created_by: null });
const all = async (branch: string): Promise<readonly InboxEdit[]> =>
  (await listInbox(db, branch, {}, { limit: 100 })).data.toReversed();

test('edits wait in the order of their arrival, in pages that neither repeat nor lose anything', async () => {
  const { branch } = await importModel(db, 'arrivals');
  const names = Array.from({ length: 25 }, (_, index) => `e${index}`);
  const receipt = await add(branch, ...names.slice(0, 20).map((name) => madeEdit(name)));
  expect(receipt).toMatchObject({ accepted: 20, duplicates: 0, pending: 20 });
  expect(receipt.edits.map(({ custom_id }) => custom_id)).toEqual(names.slice(0, 20));
  for (const name of names.slice(20)) await add(branch, madeEdit(name));
  const found: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await listInbox(db, branch, { states: ['pending'] }, { limit: 7, after });
    found.push(...page.data.map(({ custom_id }) => custom_id));
    if (page.next_cursor === null) break;
    after = page.next_cursor;
  }
  expect(found.reverse()).toEqual(names);
  expect((await listInbox(db, branch, { states: ['applied'] })).data).toEqual([]);
});

test('the same edit delivered again is not added again; another one under its id is refused', async () => {
  const { branch } = await importModel(db, 'again');
  const first = await add(branch, madeEdit('a'), madeEdit('b'));
  const again = await add(branch, madeEdit('b'), madeEdit('c'));
  expect(again).toMatchObject({ accepted: 1, duplicates: 1, pending: 3 });
  expect(again.edits[0]).toEqual({ id: first.edits[1]!.id, custom_id: 'b', duplicate: true });
  await expect(add(branch, madeEdit('d'), madeEdit('a', { target_new: ' Nice' }))).rejects.toMatchObject({
    code: 'duplicate_custom_id',
    errors: [{ field: 'custom_id', message: expect.stringContaining('"a"') }],
  });
  expect((await all(branch)).map(({ custom_id }) => custom_id)).toEqual(['a', 'b', 'c']);
  // Once it no longer waits, its id is free again.
  await withdrawFromInbox(db, branch, first.edits[0]!.id);
  expect(await add(branch, madeEdit('a', { target_new: ' Nice' }))).toMatchObject({ accepted: 1 });
});

test('fifty deliveries of one edit at once add it once', async () => {
  const { branch } = await importModel(db, 'burst');
  const receipts = await Promise.all(Array.from({ length: 50 }, () => add(branch, madeEdit('same'))));
  expect(receipts.map(({ accepted }) => accepted).reduce((a, b) => a + b)).toBe(1);
  expect(new Set(receipts.map(({ edits }) => edits[0]!.id)).size).toBe(1);
  expect(await countWaiting(db, branch)).toEqual({ pending: 1, held: 0 });
});

test('what is written alongside is kept with the edits, or neither is', async () => {
  const { branch } = await importModel(db, 'alongside');
  const refuse = addToInbox(db, {
    branch_id: branch,
    edits: [madeEdit('a')],
    priority: 0,
    created_by: null,
    alongside: async () => {
      throw new Error('taken over');
    },
  });
  await expect(refuse).rejects.toThrow('taken over');
  for (const place of ['inbox.before', 'inbox.after_write'] as const) {
    process.env.ERRATA_FAILPOINT = `${place}:error`;
    await expect(add(branch, madeEdit('a'))).rejects.toThrow(place);
  }
  expect(await all(branch)).toEqual([]);
  process.env.ERRATA_FAILPOINT = 'inbox.after:error';
  await expect(add(branch, madeEdit('a'))).rejects.toThrow('inbox.after');
  expect(await all(branch)).toHaveLength(1);
});

test('withdrawing takes out what waits, and says no to the rest', async () => {
  const { branch, model } = await importModel(db, 'withdrawn');
  const { branch: elsewhere } = await importModel(db, 'elsewhere');
  const { edits } = await add(branch, madeEdit('a'), madeEdit('b'));
  const [a, b] = edits.map(({ id }) => id);
  expect(await withdrawFromInbox(db, branch, a!)).toMatchObject({ state: 'withdrawn' });
  expect(await withdrawFromInbox(db, branch, a!)).toMatchObject({ state: 'withdrawn' });
  await expect(withdrawFromInbox(db, elsewhere, b!)).rejects.toMatchObject({ code: 'unknown_inbox_edit' });
  await expect(keepInInbox(db, branch, a!)).rejects.toMatchObject({
    code: 'not_pending',
    details: { state: 'withdrawn' },
  });
  const { id } = await createBranch(db, model, { name: 'gone', from: 'main' });
  await deleteBranch(db, model, 'gone');
  await expect(add(id, madeEdit('a'))).rejects.toMatchObject({ code: 'unknown_branch' });
});

test('keeping one edit supersedes those that answer its question otherwise, and no others', async () => {
  const { branch } = await importModel(db, 'kept');
  const asked = (id: string, target_new: string) =>
    madeEdit(id, { prompt: 'The capital of X is', subject: 'X', target_new });
  const { edits } = await add(branch, asked('old', ' Lyon'), madeEdit('other'));
  const newer = await add(branch, asked('new', ' Nice'));
  const same = await add(branch, asked('same', ' lyon.'));
  const kept = await keepInInbox(db, branch, edits[0]!.id);
  expect(kept).toMatchObject({ state: 'pending', reason: null });
  expect((await all(branch)).map(({ custom_id, state, superseded_by }) => [custom_id, state, superseded_by])).toEqual([
    ['old', 'pending', null],
    ['other', 'pending', null],
    ['new', 'superseded', kept.id],
    ['same', 'pending', null],
  ]);
  await expect(withdrawFromInbox(db, branch, newer.edits[0]!.id)).rejects.toMatchObject({ code: 'not_pending' });
  expect(same.accepted).toBe(1);
});

test('a full inbox takes what fits and no more, and a run still draws its batch', async () => {
  const desk = await openDesk(db, 'full');
  await fixture.query(
    `INSERT INTO inbox_edits (id, branch_id, custom_id, payload, subject, questions, answer)
     SELECT 'inbox_full_' || n, $1, 'c' || n, $2::jsonb || jsonb_build_object('custom_id', 'c' || n), 's' || n % 1000, ARRAY['q' || n], 'a'
     FROM generate_series(1, $3::integer) AS n`,
    [desk.branch, JSON.stringify(madeEdit('x')), inboxLimit - 1],
  );
  await expect(add(desk.branch, madeEdit('a'), madeEdit('b'))).rejects.toMatchObject({
    code: 'inbox_full',
    retryable: true,
    details: { pending: inboxLimit - 1, limit: inboxLimit },
  });
  expect(await add(desk.branch, madeEdit('a'))).toMatchObject({ accepted: 1, pending: inboxLimit });
  const { id } = await desk.schedule({ batch_size: 250 });
  expect(await schedulesToRun(db, desk.branch)).toEqual([id]);
  // Two subjects of a hundred edits each, and the third would not fit.
  expect(await runSchedule(db, id)).toMatchObject({
    run: { outcome: 'submitted', counts: { pending: inboxLimit, drawn: 200, left: inboxLimit - 200 } },
  });
});

test('an edit whose batch a person turned down is refused', async () => {
  const desk = await openDesk(db, 'denied');
  const { id } = await desk.schedule();
  await desk.add(madeEdit('a'));
  await runSchedule(db, id);
  const denied = { code: 'approval_denied', message: 'rejected: no source', errors: [], details: {} };
  await fixture.query(`UPDATE jobs SET state = 'rejected', error = $1 WHERE branch_id = $2`, [denied, desk.branch]);
  expect((await all(desk.branch))[0]).toMatchObject({ state: 'refused', reason: { code: 'approval_denied' } });
});

test('the states are counted', () => {
  expect(inboxStates).toHaveLength(9);
});
