// Submitting: a place in the lane without gaps or doubles, refusals that leave nothing behind.
import { afterAll, expect, test } from 'vitest';
import {
  commitArtefacts,
  commitImport,
  createBranch,
  deleteBranch,
  findArtefact,
  getJob,
  getModel,
  listArtefacts,
  listBranches,
  listEdits,
  listEvents,
  listJobs,
  listModels,
  moveJob,
  submitArtefactJob,
  submitImport,
  takeNextJob,
} from '../index.ts';
import {
  commitEdits,
  edit,
  importModel,
  madeEdit,
  madeModel,
  openFixture,
  submitEdits,
  take,
  toCommitting,
} from '../lineage.fixture.ts';

const fixture = await openFixture();
const { db } = fixture;
afterAll(fixture.close);

const jobsOf = async (model: string) => (await listJobs(db, { model_ids: [model], kind: 'edit' }, { limit: 100 })).data;

test('fifty submissions at once get the numbers one to fifty, each with its edits and one event', async () => {
  const { model, lane } = await importModel(db, 'crowd');
  const submitted = await Promise.all(
    Array.from({ length: 50 }, (_, index) => submitEdits(db, 'crowd', [madeEdit(`a${index}`), madeEdit(`b${index}`)])),
  );
  const numbers = submitted.map(({ sequence }) => sequence).sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  expect(await jobsOf(model)).toHaveLength(50);
  const [counts] = await fixture.query(
    `SELECT (SELECT count(*) FROM edits JOIN jobs ON jobs.id = job_id WHERE lane_id = $1) AS edits,
            (SELECT count(*) FROM events JOIN jobs ON jobs.id = job_id WHERE lane_id = $1) AS events`,
    [lane],
  );
  expect(counts).toEqual({ edits: '100', events: '50' });
});

test('a refused submission leaves no job and no hole in the sequence', async () => {
  const { model, root, branch } = await importModel(db, 'holes');
  await submitEdits(db, 'holes', [madeEdit('a')]);
  const elsewhere = `ver_${'0'.repeat(64)}`;
  await expect(submitEdits(db, 'holes', [madeEdit('b')], { parent: elsewhere })).rejects.toMatchObject({
    code: 'unknown_version',
    details: { version: elsewhere },
  });
  // Fails at the second edit, after the job was written: the database takes all of it back.
  await expect(submitEdits(db, 'holes', [madeEdit('c'), madeEdit('c')])).rejects.toThrow();
  await expect(submitEdits(db, 'nowhere', [madeEdit('d')])).rejects.toMatchObject({ code: 'unknown_model' });
  await expect(submitEdits(db, model, [madeEdit('e')], { branch: 'none' })).rejects.toMatchObject({
    code: 'unknown_branch',
  });
  expect((await submitEdits(db, model, [madeEdit('f')], { parent: root })).sequence).toBe(2);
  expect(await jobsOf(model)).toHaveLength(2);
  expect((await listJobs(db, { branch_id: branch, states: ['queued'] })).data).toHaveLength(2);
});

test('a job whose parent was overtaken by the job before it is rejected, and the lane goes on', async () => {
  const imported = await importModel(db, 'overtaken');
  await submitEdits(db, 'overtaken', [madeEdit('a')]);
  const late = await submitEdits(db, 'overtaken', [madeEdit('b')], { parent: imported.root });
  const any = await submitEdits(db, 'overtaken', [madeEdit('c')]);
  const { lease, taken } = await take(db, imported.lane);
  await toCommitting(db, lease, taken.id);
  await commitEdits(db, lease, taken);
  expect(await takeNextJob(db, lease)).toMatchObject({ id: any.id });
  expect(await getJob(db, late.id)).toMatchObject({ state: 'rejected', error: { code: 'stale_parent' } });
  const events = await listEvents(db, late.id);
  expect(events.data.map(({ type, data }) => [type, data.error])).toMatchObject([
    ['queued', undefined],
    ['rejected', { code: 'stale_parent' }],
  ]);
});

test('a model name is taken once, by the first import that commits', async () => {
  const ask = () => submitImport(db, { name: 'twice', path: 'x', created_by: null });
  const [first, second] = [await ask(), await ask()];
  expect([first.sequence, second.sequence]).toEqual([1, 2]);
  const { model } = await importModel(db, 'twice');
  expect(await getJob(db, first.id)).toMatchObject({ state: 'succeeded', model_id: model });

  const { lease, taken } = await take(db, 'import:twice');
  expect(taken.id).toBe(second.id);
  await moveJob(db, lease, second.id, 'running', 'committing');
  const late = commitImport(db, lease, { jobId: second.id, model: madeModel('twice'), default_editor: 'r-rome' });
  await expect(late).rejects.toMatchObject({ code: 'name_taken' });
  expect(await getJob(db, second.id)).toMatchObject({ state: 'committing', model_id: null });
  await expect(ask()).rejects.toMatchObject({ code: 'name_taken', details: { model_id: model } });
  expect((await listModels(db)).data.filter(({ name }) => name === 'twice')).toHaveLength(1);
});

test('branches share the history before the fork, have names of their own, and go with their queued jobs', async () => {
  const imported = await importModel(db, 'forked');
  const before = await edit(db, imported, ['a']);
  const side = await createBranch(db, imported.model, { name: 'side', from: 'main' });
  const early = await createBranch(db, imported.model, {
    name: 'early',
    from: imported.root.slice(0, 20),
    protected: true,
  });
  expect([side.head, early.head]).toEqual([before.version, imported.root]);
  await expect(createBranch(db, imported.model, { name: 'side', from: 'main' })).rejects.toMatchObject({
    code: 'name_taken',
  });
  await expect(createBranch(db, imported.model, { name: 'x', from: 'ver_ffffffff' })).rejects.toMatchObject({
    code: 'unknown_version',
  });
  expect((await listBranches(db, imported.model)).data.map(({ name }) => name)).toEqual(['early', 'main', 'side']);

  await expect(deleteBranch(db, imported.model, 'early')).rejects.toMatchObject({ code: 'protected_branch' });
  const waiting = await submitEdits(db, 'forked', [madeEdit('b')], { branch: 'side' });
  await deleteBranch(db, imported.model, 'side');
  expect(await getJob(db, waiting.id)).toMatchObject({ state: 'cancelled' });
  await expect(submitEdits(db, 'forked', [madeEdit('b')], { branch: 'side' })).rejects.toMatchObject({
    code: 'unknown_branch',
  });
  expect((await createBranch(db, imported.model, { name: 'side', from: 'main' })).id).not.toBe(side.id);
});

test('artefacts are committed with their job, and one that exists stays', async () => {
  const { model } = await importModel(db, 'statistics');
  for (const blob of ['a'.repeat(64), 'b'.repeat(64)]) {
    await submitArtefactJob(db, { model, input: { kind: 'second_moment', layers: [0] }, created_by: null });
    const { lease, taken } = await take(db, `artefacts:${model}`, 0);
    await moveJob(db, lease, taken.id, 'running', 'committing');
    const parameters = { format: 'two', list: [1, 2] };
    const artefact = { kind: 'second_moment', scope: 'layer 0', parameters, parents: [], blob, bytes: 8, details: {} };
    await commitArtefacts(db, lease, { jobId: taken.id, artefacts: [artefact] });
    await commitArtefacts(db, lease, { jobId: taken.id, artefacts: [artefact] });
    expect((await getJob(db, taken.id)).result).toMatchObject({
      artefacts: [{ kind: 'second_moment', scope: 'layer 0', layer: 0, blob: 'a'.repeat(64) }],
    });
  }
  const { data } = await listArtefacts(db, model);
  expect(data).toMatchObject([{ scope: 'layer 0', layer: 0, blob: 'a'.repeat(64), parameters: { format: 'two' } }]);
  const found = (parameters: object, scope = 'layer 0') =>
    findArtefact(db, model, { kind: 'second_moment', scope, parameters: { ...parameters } });
  expect(await found({ format: 'two' })).toEqual(data[0]);
  expect(await found({ list: [1, 2] })).toEqual(data[0]);
  expect(await found({ format: 'two', list: [1] })).toBe(null);
  expect(await found({ format: 'one' })).toBe(null);
  expect(await found({ format: 'two' }, 'layer 1')).toBe(null);
});

test('lists come in pages that neither repeat nor lose anything', async () => {
  const { model } = await importModel(db, 'paged');
  const job = await submitEdits(
    db,
    'paged',
    Array.from({ length: 7 }, (_, index) => madeEdit(`e${index}`)),
  );
  const found: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await listEdits(db, job.id, { after, limit: 3 });
    found.push(...page.data.map(({ custom_id }) => custom_id));
    if (page.next_cursor === null) break;
    after = page.next_cursor;
  }
  expect(found).toEqual(['e0', 'e1', 'e2', 'e3', 'e4', 'e5', 'e6']);
  await expect(listEdits(db, job.id, { after: 'x' })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(getModel(db, 'absent')).rejects.toMatchObject({ code: 'unknown_model' });
  await expect(getJob(db, 'job_absent')).rejects.toMatchObject({ code: 'unknown_job' });
  await expect(listEvents(db, 'job_absent')).rejects.toMatchObject({ code: 'unknown_job' });
  expect((await getModel(db, model)).files).toHaveLength(1);
});
