// What another build has stored: gates fail closed, and histories stay readable.
import { scheduleRequestSchema } from '@errata/contracts';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import {
  addToInbox,
  changeSchedule,
  createBranch,
  createSchedule,
  getBranch,
  getJob,
  getPolicy,
  getSchedule,
  listEdits,
  listInbox,
  listPolicies,
  listSchedules,
  runSchedule,
  setPolicy,
} from '../index.ts';
import { edit, importModel, madeEdit, openFixture } from '../lineage.fixture.ts';
import { readStored } from './stored.ts';

const fixture = await openFixture();
const { db, query } = fixture;
afterAll(fixture.close);

const toxicity = { metric: 'toxicity', max: 0.1 };
const locality = { metric: 'locality', min: 0.5 };
const unknown = [{ name: 'toxicity', why: expect.stringContaining('there is no metric "toxicity"') }];

/** A branch as a build that knows more would leave it. */
async function ofAnotherBuild(name: string) {
  const imported = await importModel(db, name);
  const gate = { rules: [locality, toxicity] };
  const policy = { gate, approval: 'none', approval_hours: null, auto_rollback: 'off', protected: false, quorum: 3 };
  await query('INSERT INTO branch_policies (branch_id, revision, policy) VALUES ($1, 2, $2)', [
    imported.branch,
    policy,
  ]);
  await query('UPDATE branches SET gate = $2, policy_revision = 2 WHERE id = $1', [imported.branch, gate]);
  return imported;
}

test('a gate with a rule that this build does not know is shown as such, and handed on whole', async () => {
  const { model } = await ofAnotherBuild('strange');
  expect((await getBranch(db, model, 'main')).gate).toEqual({ rules: [locality], not_understood: unknown });
  expect(await getPolicy(db, model, 'main')).toMatchObject({ revision: 2, gate: { not_understood: unknown } });
  expect((await listPolicies(db, model, 'main')).data).toHaveLength(2);
  // What is made of it is guarded by the same, not by the part that is understood.
  const fork = await createBranch(db, model, { name: 'fork', from: 'main' });
  expect(fork.gate.not_understood).toEqual(unknown);
  const [row] = await query('SELECT gate FROM branches WHERE id = $1', [fork.id]);
  expect(row?.gate).toEqual({ rules: [locality, toxicity] });
  const { gate, ...rest } = { ...fork, gate: { rules: [] } };
  const { approval, approval_hours, auto_rollback } = rest;
  const policy = { gate, approval, approval_hours, auto_rollback, protected: false };
  await setPolicy(db, model, 'fork', { policy, changed_by: null, reason: 'mended' });
  expect((await getBranch(db, model, 'fork')).gate).toEqual({ rules: [] });
});

test('an approval of another kind is taken for one', async () => {
  const { model, branch, lane } = await importModel(db, 'approved');
  await query(`UPDATE branches SET approval = 'by_three' WHERE id = $1`, [branch]);
  expect(await getBranch(db, model, 'main')).toMatchObject({ approval: 'required' });
  await expect(edit(db, { model, lane }, ['a'])).rejects.toMatchObject({ code: 'approval_required' });
});

test('a schedule whose gate is not understood runs no batch by the rest of it, until it is changed', async () => {
  const { model, branch: branch_id } = await importModel(db, 'scheduled');
  const asked = { name: 'scheduled', model: 'scheduled', when_pending: 1 };
  const { model: _, branch: __, ...schedule } = scheduleRequestSchema.parse(asked);
  const { id } = await createSchedule(db, { ...schedule, branch_id, owner: null });
  await query(
    `UPDATE schedules SET policy = policy || '{"fairness": "round_robin", "gate": {"rules": [{"metric": "toxicity", "max": 0.1}]}}' WHERE id = $1`,
    [id],
  );
  await addToInbox(db, { branch_id, edits: [madeEdit('a')], priority: 0, created_by: null });
  expect(await runSchedule(db, id)).toMatchObject({
    run: { outcome: 'failed', error: { code: 'unreadable_record', message: expect.stringContaining('toxicity') } },
  });
  expect((await listInbox(db, branch_id)).data[0]).toMatchObject({ state: 'pending' });
  // Changing something else keeps it.
  expect(await changeSchedule(db, id, { batch_size: 7 }, null)).toMatchObject({ gate: { not_understood: unknown } });
  expect((await listSchedules(db, { model_ids: [model] })).data).toHaveLength(1);
  expect(await getSchedule(db, id)).toMatchObject({ batch_size: 7, gate: { not_understood: unknown } });
  await changeSchedule(db, id, { gate: null }, null);
  expect(await runSchedule(db, id)).toMatchObject({ run: { outcome: 'submitted' } });
});

test('a history with fields and metrics of other builds is read without them', async () => {
  const { model, lane } = await importModel(db, 'history');
  const { job } = await edit(db, { model, lane }, ['a']);
  const finding = { metric: 'toxicity', max: 0.1, value: 0.05, outcome: 'passed', hue: 'green' };
  await query(`UPDATE jobs SET gate = $2, summary = summary || '{"mood": 1}' WHERE id = $1`, [
    job,
    { passed: true, findings: [finding] },
  ]);
  await query(
    `UPDATE edits SET payload = payload || '{"urgency": 5}', result = result || '{"mood": 1}' WHERE job_id = $1`,
    [job],
  );
  const { hue: _, ...known } = finding;
  expect((await getJob(db, job)).gate).toEqual({ passed: true, findings: [known] });
  const [record] = (await listEdits(db, job)).data;
  expect(record).toMatchObject({ custom_id: 'a', result: { outcome: 'applied' } });
  expect(record?.result).not.toHaveProperty('mood');
});

test('what does not fit otherwise is named', () => {
  const schema = z.strictObject({ a: z.strictObject({ b: z.int() }), c: z.array(z.strictObject({ d: z.string() })) });
  const value = { a: { b: 1, x: 2 }, c: [{ d: 'd', y: 3 }], z: 4 };
  expect(readStored(schema, value, 'a record')).toEqual({ a: { b: 1 }, c: [{ d: 'd' }] });
  expect(value.z, 'what was given stays').toBe(4);
  // Limits are for what comes in.
  const limited = z.strictObject({ name: z.string().max(3) });
  expect(readStored(limited, { name: 'a long one', x: 1 }, 'a record')).toEqual({ name: 'a long one' });
  expect(() => readStored(schema, { ...value, a: { b: 'one' } }, 'job_1')).toThrow(
    expect.objectContaining({ code: 'unreadable_record', details: { fields: ['a.b'] } }),
  );
});
