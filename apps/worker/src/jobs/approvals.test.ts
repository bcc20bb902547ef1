// Guarded branches on a real worker: what it makes waits, is committed as it was approved, and survives the worker.
import type { BranchPolicy } from '@errata/contracts';
import {
  approveJob,
  branchLog,
  checkBranch,
  createBranch,
  getBranch,
  getJob,
  laneOfJob,
  listEdits,
  listEvents,
  rejectJob,
  setPolicy,
  submitRollback,
} from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { edit, openGate, shortLeaseMs, startFaultStack, until } from '../../../../test/support/fault-stack.ts';

const stack = await startFaultStack({ leaseMs: shortLeaseMs });
const { lineage, dispatch, modelId } = stack;
beforeAll(() => stack.spare.signal('SIGCONT'));
afterAll(() => stack.close());

const open: BranchPolicy = {
  gate: openGate,
  approval: 'none',
  approval_hours: null,
  auto_rollback: 'off',
  protected: false,
};

const branch = (name: string, policy: Partial<BranchPolicy> = {}) =>
  createBranch(lineage, modelId, { name, from: 'main', ...open, ...policy });
const guard = (name: string, policy: Partial<BranchPolicy>) =>
  setPolicy(lineage, modelId, name, { policy: { ...open, ...policy }, changed_by: null, reason: 'a test' });
const headOf = async (name: string) => (await getBranch(lineage, modelId, name)).head;

async function waits(id: string) {
  await dispatch.wake(await laneOfJob(lineage, id));
  await until(`${id} waits`, async () => (await getJob(lineage, id)).state === 'awaiting_approval');
  return getJob(lineage, id);
}
async function approved(id: string) {
  await approveJob(lineage, { jobId: id, by: 'key_other', reason: 'fine' });
  await dispatch.wake(await laneOfJob(lineage, id));
  return stack.finished(id);
}
async function rollBack(name: string, mode: 'exact' | 'subtract', edits: readonly string[]) {
  const target = { mode, revert_edit_ids: edits, reason: 'wrong' };
  return (await submitRollback(lineage, { model: modelId, branch: name, ...target, created_by: null })).id;
}
const phasesOf = async (id: string) =>
  (await listEvents(lineage, id, { limit: 100 })).data.filter(({ type }) => type === 'progress').length;

test('what was approved is what is committed, without being worked again', async () => {
  const { id: branchId, head } = await branch('approved', { approval: 'required' });
  const id = await stack.submit([edit('Sylvania')], { branch: 'approved' });
  const waiting = await waits(id);
  expect(waiting).toMatchObject({ gate: { passed: true }, summary: { edits: 1 }, approval: { state: 'waiting' } });
  expect((await listEdits(lineage, id)).data[0]?.result).toMatchObject({ outcome: 'applied' });
  expect(await headOf('approved')).toBe(head);
  const worked = await phasesOf(id);
  const done = await approved(id);
  expect(done).toMatchObject({ state: 'succeeded', version_id: waiting.approval!.version_id });
  expect(await phasesOf(id)).toBe(worked);
  expect(await headOf('approved')).toBe(done.version_id);
  expect(await checkBranch(lineage, branchId)).toEqual({ moves: 2 });
});

test('a candidate that fails its gate is nobody’s to approve', async () => {
  const gate = { rules: [{ metric: 'delta_norm' as const, max: 0 }] };
  await branch('hopeless', { approval: 'required', gate });
  const id = await stack.submit([edit('Sylvania')], { branch: 'hopeless', gate });
  expect(await stack.finished(id)).toMatchObject({ state: 'gated_out', approval: null });
});

test('on a branch that moved meanwhile the work is done anew and gated again', async () => {
  const { id: branchId } = await branch('moved', { approval: 'required' });
  const first = await stack.submit([edit('Sylvania')], { branch: 'moved' });
  const seen = (await waits(first)).approval!.version_id;
  const second = await stack.submit([edit('Latveria')], { branch: 'moved' });
  await waits(second);
  const after = await approved(second);
  const done = await approved(first);
  expect(done).toMatchObject({ state: 'succeeded', parent_version_id: after.version_id });
  expect(done.version_id).not.toBe(seen);
  const [move] = (await branchLog(lineage, branchId)).data;
  expect(move).toMatchObject({ from_version: after.version_id, to_version: done.version_id });
  expect(await checkBranch(lineage, branchId)).toEqual({ moves: 3 });
});

test('a gate that was tightened meanwhile refuses what was approved', async () => {
  const { head } = await branch('tightened', { approval: 'required' });
  const id = await stack.submit([edit('Sylvania')], { branch: 'tightened', gate: null });
  await waits(id);
  await guard('tightened', { approval: 'required', gate: { rules: [{ metric: 'delta_norm', max: 0 }] } });
  expect(await approved(id)).toMatchObject({ state: 'gated_out', gate: { passed: false, policy_revision: 2 } });
  expect(await headOf('tightened')).toBe(head);
});

test('reverts of a protected branch wait, exact and subtract; rejected they leave it alone', async () => {
  const { id: branchId } = await branch('protected');
  const ids: string[] = [];
  for (const name of ['Sylvania', 'Latveria']) {
    const job = await stack.submit([edit(name)], { branch: 'protected' });
    expect(await stack.finished(job)).toMatchObject({ state: 'succeeded' });
    ids.push((await listEdits(lineage, job)).data[0]!.id);
  }
  await guard('protected', { protected: true });
  const head = await headOf('protected');
  for (const mode of ['exact', 'subtract'] as const) {
    const job = await rollBack('protected', mode, [ids[0]!]);
    expect((await waits(job)).approval).toMatchObject({ state: 'waiting', parent_version_id: head });
    await rejectJob(lineage, { jobId: job, by: 'key_other', reason: 'keep it' });
    expect(await headOf('protected')).toBe(head);
  }
  const job = await rollBack('protected', 'exact', [ids[1]!]);
  const { approval } = await waits(job);
  expect(await approved(job)).toMatchObject({ state: 'succeeded', version_id: approval!.version_id });
  const [move] = (await branchLog(lineage, branchId)).data;
  expect(move).toMatchObject({ kind: 'exact', to_version: approval!.version_id, reason: 'wrong' });
});

test('a worker that dies around the waiting loses nothing and commits once', async () => {
  const { id: branchId } = await branch('survivor', { approval: 'required' });
  await stack.rest();
  for (const [index, failpoint] of ['approval.before', 'approval.after', 'commit.before', 'commit.after'].entries()) {
    const doomed = stack.startWorker({ ERRATA_FAILPOINT: failpoint, WORKER_NAME: failpoint });
    await doomed.ready;
    const id = await stack.submit([edit(`Town ${index}`)], { branch: 'survivor' });
    if (failpoint.startsWith('commit')) {
      await waits(id);
      await approveJob(lineage, { jobId: id, by: 'key_other', reason: 'fine' });
      await dispatch.wake(await laneOfJob(lineage, id));
    }
    expect(await doomed.exited).toBe('SIGKILL');
    stack.spare.signal('SIGCONT');
    if (!failpoint.startsWith('commit')) {
      await waits(id);
      await approveJob(lineage, { jobId: id, by: 'key_other', reason: 'fine' });
      await dispatch.wake(await laneOfJob(lineage, id));
    }
    expect(await stack.finished(id)).toMatchObject({ state: 'succeeded', error: null });
    await stack.rest();
  }
  expect(await checkBranch(lineage, branchId)).toEqual({ moves: 5 });
  expect(await stack.query('SELECT * FROM candidates')).toEqual([]);
  stack.spare.signal('SIGCONT');
});
