// The commit transaction: all or nothing, once, by the holder of the lane alone.
import { versionId } from '@errata/contracts';
import { afterAll, expect, test } from 'vitest';
import {
  acquireLease,
  activeEdits,
  branchLog,
  checkBranch,
  commitVersion,
  getJob,
  getVersion,
  listEdits,
  listEvents,
  readManifest,
  renewLease,
} from '../index.ts';
import {
  commitEdits,
  edit,
  headOf,
  importModel,
  madeEdit,
  openFixture,
  submitEdits,
  take,
  toCommitting,
} from '../lineage.fixture.ts';

const fixture = await openFixture();
const { db } = fixture;
afterAll(fixture.close);

test('an edit job travels from submission to a version with everything that belongs to it', async () => {
  const imported = await importModel(db, 'atlas');
  const submitted = await submitEdits(db, 'atlas', [madeEdit('a'), madeEdit('b')], { parent: imported.root });
  expect(submitted).toMatchObject({ state: 'queued', sequence: 1, branch: 'main', parent_version_id: imported.root });

  const { lease, taken } = await take(db, imported.lane);
  await toCommitting(db, lease, taken.id);
  const committed = await commitEdits(db, lease, taken);

  expect(await headOf(db, imported.model)).toBe(committed.version);
  const version = await getVersion(db, committed.version.slice(0, 16));
  expect(version.resource).toMatchObject({
    id: committed.version,
    parent_id: imported.root,
    job_id: taken.id,
    delta_bytes: 2000,
  });
  expect(versionId(await readManifest(db, committed.version))).toBe(committed.version);
  expect(await getJob(db, taken.id)).toMatchObject({ state: 'succeeded', version_id: committed.version, attempts: 1 });
  const edits = await listEdits(db, taken.id);
  expect(edits.data.map(({ custom_id, result }) => [custom_id, result?.answer_after])).toEqual([
    ['a', ' Lyon'],
    ['b', ' Lyon'],
  ]);
  expect((await activeEdits(db, imported.branch)).map(({ custom_id }) => custom_id)).toEqual(['a', 'b']);
  const log = await branchLog(db, imported.branch);
  expect(log.data.map(({ kind, sequence }) => [sequence, kind])).toEqual([
    [2, 'edit'],
    [1, 'created'],
  ]);
  expect(log.data[0]?.edits).toMatchObject([
    { custom_id: 'a', active: true },
    { custom_id: 'b', active: true },
  ]);
  const events = await listEvents(db, taken.id);
  expect(events.data.map(({ type }) => type)).toEqual(['queued', 'running', 'evaluating', 'committing', 'succeeded']);
  expect(await checkBranch(db, imported.branch)).toEqual({ moves: 2 });
});

test('a second call after a lost answer finds the first commit and changes nothing', async () => {
  const imported = await importModel(db, 'again');
  await submitEdits(db, 'again', [madeEdit('a')]);
  const { lease, taken } = await take(db, imported.lane);
  await toCommitting(db, lease, taken.id);
  const first = await commitEdits(db, lease, taken);
  expect(await commitEdits(db, lease, taken)).toEqual({ ...first, already: true });
  expect(await checkBranch(db, imported.branch)).toEqual({ moves: 2 });
});

test('who lost the lane writes nothing, though it was in the middle of committing', async () => {
  const imported = await importModel(db, 'zombie');
  await submitEdits(db, 'zombie', [madeEdit('a')]);
  const { lease: old, taken } = await take(db, imported.lane, 0);
  await toCommitting(db, old, taken.id);
  const { lease, taken: retaken } = await take(db, imported.lane);
  expect(retaken).toMatchObject({ id: taken.id, attempts: 2, epoch: old.epoch + 1 });

  const before = await listEvents(db, taken.id);
  await expect(commitEdits(db, old, taken)).rejects.toMatchObject({ code: 'stale_epoch' });
  expect(await listEvents(db, taken.id)).toEqual(before);
  expect(await headOf(db, imported.model)).toBe(imported.root);
  expect(await renewLease(db, old, 1000)).toBe(false);
  expect(await acquireLease(db, imported.lane, 'third', 1000)).toBeNull();

  await toCommitting(db, lease, taken.id);
  await commitEdits(db, lease, retaken);
  expect(await checkBranch(db, imported.branch)).toEqual({ moves: 2 });
});

test('the head moves only from where the work was done', async () => {
  const imported = await importModel(db, 'swapped');
  await edit(db, imported, ['a']);
  await submitEdits(db, 'swapped', [madeEdit('b')]);
  const { lease, taken } = await take(db, imported.lane);
  await toCommitting(db, lease, taken.id);
  const stale = commitVersion(db, lease, {
    jobId: taken.id,
    parent: imported.root,
    kind: 'edit',
    ground: { after: null, added: [] },
    outcome: 'succeeded',
    summary: null,
    gate: null,
    editResults: [],
  });
  await expect(stale).rejects.toMatchObject({ code: 'stale_parent' });
  expect(await getJob(db, taken.id)).toMatchObject({ state: 'committing', version_id: null });
  expect(await checkBranch(db, imported.branch)).toEqual({ moves: 2 });
});
