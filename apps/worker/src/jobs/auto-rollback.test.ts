// Automatic rollback on a real worker: a later evaluation that fails its gate sends the branch back, once, and only where it still is.
import type { BranchPolicy, GatePolicy, SuiteCase } from '@errata/contracts';
import {
  approveJob,
  branchLog,
  checkBranch,
  createBranch,
  type EvaluationSubmission,
  getBranch,
  getEvaluation,
  getJob,
  laneOfJob,
  lanesOfShards,
  listEvents,
  listJobs,
  setPolicy,
  submitEvaluation,
} from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { edit, shortLeaseMs, startFaultStack, until } from '../../../../test/support/fault-stack.ts';

const stack = await startFaultStack({ leaseMs: shortLeaseMs });
const { lineage, dispatch, modelId } = stack;
beforeAll(() => stack.spare.signal('SIGCONT'));
afterAll(() => stack.close());

/** What the edits of these tests do to a weight stays far below this; the bad one is far above. */
const gate: GatePolicy = { rules: [{ metric: 'delta_norm', max: 0.5 }] };
const policy: BranchPolicy = { gate, approval: 'none', approval_hours: null, auto_rollback: 'reset', protected: false };
const branch = (name: string, more: Partial<BranchPolicy> = {}) =>
  createBranch(lineage, modelId, { name, from: 'main', ...policy, ...more });
const headOf = async (name: string) => (await getBranch(lineage, modelId, name)).head;
const caused = async (id: string) =>
  stack.query('SELECT id FROM jobs WHERE cause_job_id = $1', [id]).then((rows) => rows.map((row) => String(row.id)));

const cases: SuiteCase[] = [
  { kind: 'probe', probe: { custom_id: 'river', prompt: 'The river of town 3 runs to the', target: ' sea' } },
];
async function evaluate(name: string, more: Partial<EvaluationSubmission> = {}, { wait = true } = {}) {
  const { id } = await submitEvaluation(lineage, {
    model: modelId,
    branch: name,
    against: 'parent',
    suite: { source: 'probes', cases },
    gate: true,
    created_by: null,
    ...more,
  });
  for (const lane of await lanesOfShards(lineage, id)) await dispatch.wake(lane);
  if (wait) await stack.finished(id);
  return id;
}
const consequenceOf = async (id: string) =>
  (await listEvents(lineage, id, { limit: 100 })).data.find(({ type }) => type === 'succeeded')?.data.rollback;

/** A good edit, an evaluation of it that passes, and a bad edit that its own gate let through. */
async function spoiled(name: string, more: Partial<BranchPolicy> = {}) {
  const { id } = await branch(name, more);
  const open = { rules: [] };
  const good = await stack.finished(await stack.submit([edit('Sylvania')], { branch: name, gate: open }));
  const passed = await evaluate(name);
  expect(await getEvaluation(lineage, passed)).toMatchObject({
    gate: { passed: true, policy_revision: 1 },
    rollback_job_id: null,
  });
  const config = { layer: 1, epochs: 200, learning_rate: 0.3, stop_loss: 0 };
  const bad = await stack.finished(await stack.submit([edit('Borduria')], { branch: name, gate: open, config }));
  expect(bad).toMatchObject({ state: 'succeeded' });
  expect(bad.summary!.delta_norm).toBeGreaterThan(0.5);
  return { id, good: good.version_id!, bad: bad.version_id!, passed };
}

test('the branch goes back to the last version that passed, by a logged rollback with its reason', async () => {
  const { id, good, bad, passed } = await spoiled('spoiled');
  const failed = await evaluate('spoiled');
  const evaluation = await getEvaluation(lineage, failed);
  expect(evaluation).toMatchObject({ state: 'succeeded', version_id: bad, gate: { passed: false } });
  const rollback = await stack.finished(evaluation.rollback_job_id!);
  expect(rollback).toMatchObject({ state: 'succeeded', version_id: good, cause_job_id: failed, created_by: null });
  expect(await headOf('spoiled')).toBe(good);
  const [move] = (await branchLog(lineage, id)).data;
  expect(move).toMatchObject({ kind: 'reset', from_version: bad, to_version: good, job_id: rollback.id });
  expect(move?.reason).toContain(`${failed} failed the gate: delta_norm is`);
  expect(move?.reason).toContain(`${passed} had passed it`);
  expect(await consequenceOf(failed)).toMatchObject({ kind: 'rollback', job: rollback.id, to_version: good });
  expect(await checkBranch(lineage, id)).toEqual({ moves: 4 });

  // The same verdict about a version that the branch has left does nothing.
  const again = await evaluate('spoiled', { version: bad });
  expect(await consequenceOf(again)).toEqual({ kind: 'none', why: 'not_the_head' });
  expect(await caused(again)).toEqual([]);
  expect(await headOf('spoiled')).toBe(good);
});

test('where no evaluation has passed, the branch goes back to the last version whose own batch passed its gate', async () => {
  const { id } = await branch('unevaluated');
  const on = { branch: 'unevaluated' };
  const good = await stack.finished(await stack.submit([edit('Sylvania')], { ...on, gate: null }));
  expect(good).toMatchObject({ state: 'succeeded', gate: { passed: true, policy_revision: 1 } });
  // A gate that a job brought along says nothing of the branch's.
  const open = await stack.finished(await stack.submit([edit('Latveria')], { ...on, gate: { rules: [] } }));
  const config = { layer: 1, epochs: 200, learning_rate: 0.3, stop_loss: 0 };
  await stack.finished(await stack.submit([edit('Borduria')], { ...on, gate: { rules: [] }, config }));
  const failed = await evaluate('unevaluated');
  const { rollback_job_id } = await getEvaluation(lineage, failed);
  expect(await stack.finished(rollback_job_id!)).toMatchObject({ state: 'succeeded', version_id: good.version_id });
  const [move] = (await branchLog(lineage, id)).data;
  expect(move).toMatchObject({ kind: 'reset', to_version: good.version_id });
  expect(move?.reason).toContain(`no evaluation has passed it, but ${good.id} had`);
  expect(open.version_id).not.toBe(good.version_id);
});

test('nothing happens where the policy is off, nothing has ever passed, or nobody asked', async () => {
  const { bad } = await spoiled('off', { auto_rollback: 'off' });
  const off = await evaluate('off');
  expect(await getEvaluation(lineage, off)).toMatchObject({ gate: { passed: false }, rollback_job_id: null });
  expect(await consequenceOf(off)).toEqual({ kind: 'none', why: 'off' });

  await branch('never');
  const config = { layer: 1, epochs: 200, learning_rate: 0.3, stop_loss: 0 };
  await stack.finished(await stack.submit([edit('Borduria')], { branch: 'never', gate: { rules: [] }, config }));
  const never = await evaluate('never');
  expect(await consequenceOf(never)).toEqual({ kind: 'none', why: 'no_good_version' });

  await setPolicy(lineage, modelId, 'off', { policy, changed_by: null, reason: 'a test' });
  const unasked = await evaluate('off', { gate: false });
  expect(await getEvaluation(lineage, unasked)).toMatchObject({ gate: null, rollback_job_id: null });
  expect(await headOf('off')).toBe(bad);
  await expect(evaluate('off', { branch: undefined, version: bad })).rejects.toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: '/branch' }],
  });
});

test('a branch that moves on before the rollback has its turn is left alone', async () => {
  const { bad } = await spoiled('moving');
  await stack.rest();
  // The edit has its place in the lane before the evaluation ends; the rollback's is after it.
  const later = await stack.submit([edit('Latveria')], { branch: 'moving', gate: { rules: [] }, wake: false });
  const failed = await evaluate('moving', {}, { wait: false });
  stack.spare.signal('SIGCONT');
  await stack.finished(failed);
  const [job] = await caused(failed);
  if (job === undefined) expect(await consequenceOf(failed)).toEqual({ kind: 'none', why: 'not_the_head' });
  else expect(await stack.finished(job)).toMatchObject({ state: 'rejected', error: { code: 'stale_parent' } });
  const done = await stack.finished(later);
  expect(done).toMatchObject({ state: 'succeeded', parent_version_id: bad });
  expect(await headOf('moving')).toBe(done.version_id);
});

test('on a protected branch the rollback waits for an approval, and is the only reset that can have one', async () => {
  const { good, bad } = await spoiled('guarded');
  await setPolicy(lineage, modelId, 'guarded', {
    policy: { ...policy, protected: true },
    changed_by: null,
    reason: 'a test',
  });
  const failed = await evaluate('guarded');
  const { rollback_job_id: job } = await getEvaluation(lineage, failed);
  await until('it waits', async () => (await getJob(lineage, job!)).state === 'awaiting_approval');
  expect(await headOf('guarded')).toBe(bad);
  expect((await getJob(lineage, job!)).approval).toMatchObject({ version_id: good, parent_version_id: bad });
  await approveJob(lineage, { jobId: job!, by: 'key_other', reason: 'it is worse' });
  await dispatch.wake(await laneOfJob(lineage, job!));
  expect(await stack.finished(job!)).toMatchObject({ state: 'succeeded', version_id: good });
});

test('a worker that dies around the verdict brings about one rollback', async () => {
  const { good } = await spoiled('crashed');
  await stack.rest();
  for (const [index, failpoint] of ['commit.before_commit:kill:2', 'commit.after:kill:2'].entries()) {
    const doomed = stack.startWorker({ ERRATA_FAILPOINT: failpoint, WORKER_NAME: `doomed-${index}` });
    await doomed.ready;
    const failed = await evaluate('crashed', {}, { wait: false });
    expect(await doomed.exited).toBe('SIGKILL');
    stack.spare.signal('SIGCONT');
    expect(await stack.finished(failed)).toMatchObject({ state: 'succeeded', gate: { passed: false } });
    const [job, ...more] = await caused(failed);
    expect(more).toEqual([]);
    expect(await stack.finished(job!)).toMatchObject({ state: 'succeeded', version_id: good });
    expect(await headOf('crashed')).toBe(good);
    if (index > 0) continue;
    const config = { layer: 1, epochs: 200, learning_rate: 0.3, stop_loss: 0 };
    await stack.finished(await stack.submit([edit('Latveria')], { branch: 'crashed', gate: { rules: [] }, config }));
    await stack.rest();
  }
  const rollbacks = await listJobs(lineage, { kind: 'rollback', states: ['succeeded'] }, { limit: 100 });
  expect(new Set(rollbacks.data.map(({ cause_job_id }) => cause_job_id)).size).toBe(rollbacks.data.length);
});

test('a rule of another build refuses every candidate by name, and is no reason to take anything back', async () => {
  const { id, good, bad } = await spoiled('strange');
  const strange = JSON.stringify({ rules: [{ metric: 'toxicity', max: 0.1 }], on_failure: 'bisect' });
  await stack.query('UPDATE branches SET gate = $2::jsonb WHERE id = $1', [id, strange]);
  const refused = await stack.finished(
    await stack.submit([edit('Sylvania'), edit('Freedonia')], { branch: 'strange', gate: null }),
  );
  expect(refused).toMatchObject({
    state: 'gated_out',
    gate: { passed: false, findings: [{ metric: 'toxicity', outcome: 'failed', value: null }] },
    error: { code: 'gate_refused', message: expect.stringContaining('toxicity cannot be judged: ') },
  });
  expect(refused.error?.message).toContain('there is no metric "toxicity"');
  expect(await headOf('strange')).toBe(bad);
  const evaluation = await evaluate('strange');
  expect(await getEvaluation(lineage, evaluation)).toMatchObject({ gate: { passed: false }, rollback_job_id: null });
  expect(await consequenceOf(evaluation)).toEqual({ kind: 'none', why: 'not_judged' });
  expect(await headOf('strange')).toBe(bad);
  expect(good).not.toBe(bad);
});
