// Planning rollbacks: what stays, what is replayed, and what cannot be done.
import { versionId } from '@errata/contracts';
import { afterAll, expect, test } from 'vitest';
import {
  activeEdits,
  branchLog,
  type Contribution,
  checkBranch,
  commitVersion,
  createBranch,
  type Ground,
  getVersion,
  openBranchWork,
  planRollback,
  previewRollback,
  type RollbackPlan,
  type RollbackSubmission,
  type RollbackTarget,
  readChain,
  readManifest,
  releaseLease,
  submitRollback,
  upon,
} from '../index.ts';
import {
  edit,
  gatePassed,
  headOf,
  importModel,
  madeContribution,
  openFixture,
  take,
  toCommitting,
} from '../lineage.fixture.ts';

const fixture = await openFixture();
const { db } = fixture;
afterAll(fixture.close);

type Imported = Awaited<ReturnType<typeof importModel>>;
const namesOf = (contributions: readonly Contribution[]) => contributions.map(({ edit_ids }) => edit_ids);
const activeIds = async (branch: string) => (await activeEdits(db, branch)).map(({ custom_id }) => custom_id);

/** Submits a rollback and carries it out; replayed edits get contributions as an edit job on the same ground would. */
async function rollBack(
  imported: Imported,
  target: Omit<RollbackSubmission, 'model' | 'branch' | 'reason' | 'created_by'>,
) {
  await submitRollback(db, { model: imported.model, branch: 'main', reason: 'wrong', created_by: null, ...target });
  const { lease, taken } = await take(db, imported.lane);
  const { parent } = await openBranchWork(db, taken);
  const plan = await planRollback(db, imported.branch, taken.input as unknown as RollbackTarget);
  await toCommitting(db, lease, taken.id);
  const committed = await commitVersion(db, lease, {
    jobId: taken.id,
    parent: parent.version,
    kind: plan.mode,
    ground: carryOut(plan),
    outcome: 'succeeded',
    summary: null,
    gate: gatePassed,
    editResults: [],
    reason: 'wrong',
  });
  await releaseLease(db, lease);
  return committed.version;
}

function carryOut(plan: RollbackPlan): Ground {
  if (plan.mode !== 'exact') return plan.ground;
  let ground = plan.base;
  for (const { job_id, edits } of plan.steps) {
    const seed = versionId(ground.source);
    ground = upon(
      ground,
      edits.map(({ id }) => madeContribution(job_id, [id], seed)),
    );
  }
  return ground;
}

test('reset goes back to the very version, whose edits are then the active ones', async () => {
  const imported = await importModel(db, 'reset');
  const first = await edit(db, imported, ['a']);
  await edit(db, imported, ['b', 'c']);
  expect(await rollBack(imported, { mode: 'reset', to_version: first.version.slice(0, 24) })).toBe(first.version);
  expect(await activeIds(imported.branch)).toEqual(['a']);
  const log = await branchLog(db, imported.branch);
  expect(log.data[0]).toMatchObject({ kind: 'reset', to_version: first.version, reason: 'wrong' });
  expect(log.data[0]?.edits).toMatchObject([
    { custom_id: 'b', active: false },
    { custom_id: 'c', active: false },
  ]);
  expect(await rollBack(imported, { mode: 'reset', to_version: imported.root })).toBe(imported.root);
  expect(await checkBranch(db, imported.branch)).toEqual({ moves: 5 });
  // Going back stored nothing: three edits, three links.
  expect(await fixture.query('SELECT 1 FROM contributions WHERE model_id = $1', [imported.model])).toHaveLength(3);

  const other = `ver_${'0'.repeat(64)}`;
  await expect(rollBack(imported, { mode: 'reset', to_version: other })).rejects.toMatchObject({
    code: 'unknown_version',
  });
});

test('reverting the last edit exactly gives the version before it', async () => {
  const imported = await importModel(db, 'exact-last');
  const first = await edit(db, imported, ['a', 'b']);
  const last = await edit(db, imported, ['c']);
  expect(await rollBack(imported, { mode: 'exact', revert_edit_ids: last.edits })).toBe(first.version);
});

test('reverting an early edit exactly replays its job without it, and every job after it', async () => {
  const imported = await importModel(db, 'exact-early');
  const zero = await edit(db, imported, ['z']);
  const first = await edit(db, imported, ['a', 'b', 'c']);
  const second = await edit(db, imported, ['d']);
  const target = { mode: 'exact', revert_edit_ids: [first.edits[1]!] } as const;
  const plan = await planRollback(db, imported.branch, target);
  if (plan.mode !== 'exact') throw new Error(plan.mode);
  expect(await previewRollback(db, imported.model, { ...target, branch: 'main' })).toMatchObject({
    ...{ mode: 'exact', edit_count: 1, edits: [{ custom_id: 'b' }], deltas: [{ kind: 'low_rank', count: 1 }] },
    ...{ parent_version_id: second.version, replays: { jobs: 2, edits: 3 }, version_id: null },
  });
  expect(namesOf(await readChain(db, plan.base.after))).toEqual([zero.edits]);
  expect(plan.steps.map(({ job_id, edits }) => [job_id, edits.map(({ edit: { custom_id } }) => custom_id)])).toEqual([
    [first.job, ['a', 'c']],
    [second.job, ['d']],
  ]);
  expect(plan.steps[0]?.input).toMatchObject({ editor: 'r-rome', seed: 0 });
  await rollBack(imported, target);
  expect(await activeIds(imported.branch)).toEqual(['z', 'a', 'c', 'd']);
  expect((await branchLog(db, imported.branch)).data[0]?.edits).toMatchObject([{ custom_id: 'b', active: false }]);

  // The edits keep their names, so they can be taken back again: those of a version too, though it is no longer in the chain.
  await rollBack(imported, { mode: 'exact', revert_version_ids: [first.version] });
  expect(await activeIds(imported.branch)).toEqual(['z', 'd']);
  const gone = rollBack(imported, { mode: 'exact', revert_edit_ids: [first.edits[0]!] });
  await expect(gone).rejects.toMatchObject({ code: 'unknown_edit', errors: [{ pointer: '/revert_edit_ids/0' }] });
  expect(await checkBranch(db, imported.branch)).toEqual({ moves: 6 });
});

test('subtract drops what the edits left and keeps the rest as it is', async () => {
  const imported = await importModel(db, 'subtract');
  const first = await edit(db, imported, ['a', 'b']);
  const second = await edit(db, imported, ['c']);
  const before = await readManifest(db, second.version);
  const version = await rollBack(imported, { mode: 'subtract', revert_edit_ids: [first.edits[0]!] });
  const after = await getVersion(db, version);
  expect((await readManifest(db, version)).deltas).toEqual(before.deltas.slice(1));
  expect(after.resource.delta_bytes).toBe(2000);
  expect(await activeIds(imported.branch)).toEqual(['b', 'c']);
  await checkBranch(db, imported.branch);
});

test('edits that share deltas are subtracted together or not at all, but can be reverted exactly one by one', async () => {
  const imported = await importModel(db, 'batched');
  const batch = await edit(db, imported, ['a', 'b', 'c'], { batched: true });
  const one = { revert_edit_ids: [batch.edits[0]!] };
  await expect(rollBack(imported, { mode: 'subtract', ...one })).rejects.toMatchObject({
    code: 'inseparable_edits',
    details: { shared_with: batch.edits.slice(1) },
  });
  const plan = await planRollback(db, imported.branch, { mode: 'exact', ...one });
  expect(plan).toMatchObject({
    base: { after: null, source: { deltas: [] } },
    steps: [{ job_id: batch.job, edits: [{ id: batch.edits[1] }, { id: batch.edits[2] }] }],
  });
  const preview = (mode: 'exact' | 'subtract', ids: readonly string[]) =>
    previewRollback(db, imported.model, { mode, revert_edit_ids: ids, branch: 'main' });
  expect(await preview('subtract', one.revert_edit_ids)).toMatchObject({
    ...{ mode: 'subtract', edit_count: 1, shared_with: 2, replays: null, version_id: null },
  });
  expect(await preview('exact', batch.edits)).toMatchObject({ replays: { jobs: 0 }, version_id: imported.root });
  expect(await preview('subtract', batch.edits)).toMatchObject({
    shared_with: 0,
    replays: null,
    version_id: imported.root,
  });
  expect(await rollBack(imported, { mode: 'subtract', revert_edit_ids: batch.edits })).toBe(imported.root);
});

test('a mode with the wrong target is refused by the field', async () => {
  const imported = await importModel(db, 'shapes');
  const { version } = await edit(db, imported, ['a']);
  for (const [target, pointer] of [
    [{ mode: 'reset' }, '/to_version'],
    [{ mode: 'reset', revert_version_ids: [version] }, '/revert_version_ids'],
    [{ mode: 'exact', to_version: version }, '/to_version'],
    [{ mode: 'subtract' }, '/revert_edit_ids'],
    [{ mode: 'exact', revert_edit_ids: ['e'], revert_version_ids: [version] }, '/revert_edit_ids'],
  ] as const) {
    await expect(rollBack(imported, target)).rejects.toMatchObject({ code: 'invalid_request', errors: [{ pointer }] });
  }
  await expect(rollBack(imported, { mode: 'exact', revert_version_ids: [imported.root] })).rejects.toMatchObject({
    code: 'unknown_edit',
  });
  expect(await headOf(db, imported.model)).toBe(version);
});

test('a branch made from a version knows whose edits are in it, and can take them back', async () => {
  const imported = await importModel(db, 'inherited');
  const first = await edit(db, imported, ['a']);
  await edit(db, imported, ['b']);
  const side = await createBranch(db, imported.model, { name: 'side', from: first.version });
  expect(await activeIds(side.id)).toEqual(['a']);
  const plan = await planRollback(db, side.id, { mode: 'exact', revert_edit_ids: first.edits });
  expect(plan).toMatchObject({ base: { after: null }, steps: [] });
});
