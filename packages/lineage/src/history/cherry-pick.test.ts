// Cherry-picking: the same request on another head, with its origin kept.
import { afterAll, expect, test } from 'vitest';
import { createBranch, editsOfJob, getEdit, submitCherryPick, submitRollback } from '../index.ts';
import { edit, importModel, openFixture } from '../lineage.fixture.ts';

const fixture = await openFixture();
const { db } = fixture;
afterAll(fixture.close);

const pick = (model: string, branch: string, job_id: string, more: { edit_ids?: readonly string[] } = {}) =>
  submitCherryPick(db, { model, branch, job_id, on_conflict: 'fail', created_by: 'key_a', ...more });

test('the request of a job is queued again, with edits of its own that say where they came from', async () => {
  const imported = await importModel(db, 'picked');
  const source = await edit(db, imported, ['a', 'b', 'c']);
  await createBranch(db, imported.model, { name: 'release', from: imported.root });
  const job = await pick(imported.model, 'release', source.job);
  expect(job).toMatchObject({
    kind: 'edit',
    state: 'queued',
    branch: 'release',
    created_by: 'key_a',
    input: {
      editor: 'r-rome',
      seed: 0,
      gate: null,
      edits: 3,
      picked_from: { job_id: source.job, version_id: source.version, edit_ids: source.edits },
    },
  });
  const edits = await editsOfJob(db, job.id);
  expect(edits.map(({ edit: { custom_id } }) => custom_id)).toEqual(['a', 'b', 'c']);
  expect(edits.every(({ id }) => !source.edits.includes(id))).toBe(true);

  const [, middle] = source.edits;
  const some = await pick(imported.model, 'release', source.job, { edit_ids: [middle!] });
  expect((await editsOfJob(db, some.id)).map(({ edit: { custom_id } }) => custom_id)).toEqual(['b']);
  expect(some.input).toMatchObject({ edits: 1, picked_from: { edit_ids: [middle] } });
});

test('what is no request of edits, or not one of them, is refused by the field', async () => {
  const imported = await importModel(db, 'unpicked');
  const source = await edit(db, imported, ['a']);
  const other = await edit(db, imported, ['b']);
  const rollback = await submitRollback(db, {
    model: imported.model,
    branch: 'main',
    mode: 'reset',
    to_version: imported.root,
    reason: 'wrong',
    created_by: null,
  });
  await expect(pick(imported.model, 'main', rollback.id)).rejects.toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: '/job_id' }],
  });
  await expect(pick(imported.model, 'main', 'job_none')).rejects.toMatchObject({ code: 'unknown_job' });
  const strange = pick(imported.model, 'main', source.job, { edit_ids: [source.edits[0]!, other.edits[0]!] });
  await expect(strange).rejects.toMatchObject({ code: 'unknown_edit', errors: [{ pointer: '/edit_ids/1' }] });
});

test('an edit tells on whose heads it acts', async () => {
  const imported = await importModel(db, 'acting');
  const { edits, version } = await edit(db, imported, ['a']);
  await createBranch(db, imported.model, { name: 'before', from: imported.root });
  await createBranch(db, imported.model, { name: 'with', from: 'main' });
  const later = await edit(db, imported, ['b']);
  expect(await getEdit(db, edits[0]!)).toMatchObject({
    custom_id: 'a',
    result: { outcome: 'applied' },
    active_on: [
      { branch: 'main', version_id: later.version },
      { branch: 'with', version_id: version },
    ],
  });
  await expect(getEdit(db, 'edit_none')).rejects.toMatchObject({ code: 'unknown_edit' });
});
