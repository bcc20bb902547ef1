// Approvals and policies: who may, what becomes of the branch meanwhile, and that no way around them is left.
import { type BranchPolicy, defaultGatePolicy, type RollbackMode } from '@errata/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  acquireLease,
  activeEdits,
  approvedCandidate,
  approveJob,
  awaitApproval,
  branchLog,
  cancelJob,
  checkBranch,
  commitVersion,
  createBranch,
  deleteBranch,
  expireApprovals,
  finishJob,
  getBranch,
  getJob,
  getPolicy,
  listEvents,
  listPolicies,
  moveJob,
  openBranchWork,
  passageOf,
  rejectJob,
  releaseLease,
  requeueJob,
  retryJob,
  setPolicy,
  submitRollback,
  takeNextJob,
  upon,
} from '../index.ts';
import {
  edit,
  gatePassed,
  headOf,
  importModel,
  type LineageFixture,
  madeContribution,
  madeEdit,
  madeResult,
  openFixture,
  submitEdits,
  take,
  toCommitting,
  waitingIds,
} from '../lineage.fixture.ts';

let fixture: LineageFixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture.close());

const open: BranchPolicy = {
  gate: defaultGatePolicy,
  approval: 'none',
  approval_hours: null,
  auto_rollback: 'off',
  protected: false,
};
type Imported = Awaited<ReturnType<typeof importModel>>;

const importWith = async (name: string, policy: Partial<BranchPolicy>): Promise<Imported> => {
  const imported = await importModel(fixture.db, name);
  await change(imported, policy);
  return imported;
};
const change = ({ model }: Imported, policy: Partial<BranchPolicy>) =>
  setPolicy(fixture.db, model, 'main', { policy: { ...open, ...policy }, changed_by: 'key_admin', reason: 'a test' });

/** Takes the next job and sets its candidate aside, as a worker does. */
async function setAside(imported: Imported, customIds: readonly string[]) {
  const { db } = fixture;
  const job = await submitEdits(
    db,
    imported.model,
    customIds.map((id) => madeEdit(id)),
  );
  const { lease, taken } = await take(db, imported.lane);
  expect(taken.id).toBe(job.id);
  await moveJob(db, lease, taken.id, 'running', 'evaluating');
  const { parent, edits, branch } = await openBranchWork(db, taken);
  const ground = upon(
    parent.ground,
    edits.map(({ id }) => madeContribution(job.id, [id], parent.version)),
  );
  const approval = await awaitApproval(db, lease, {
    jobId: job.id,
    from: 'evaluating',
    parent: parent.version,
    kind: 'edit',
    ground,
    outcome: 'succeeded',
    summary: null,
    gate: gatePassed,
    editResults: edits.map(({ edit: { custom_id } }) => madeResult(custom_id)),
    policyRevision: branch.policy_revision,
  });
  await releaseLease(db, lease);
  if (approval === 'cancel_requested') throw new Error('nobody asked to cancel it');
  return { job: job.id, approval, lease };
}

/** Takes the lane's next job and commits what was approved; null when that cannot be. */
async function commitApproved(imported: Imported) {
  const { db } = fixture;
  const { lease, taken } = await take(db, imported.lane);
  const { parent, branch } = await openBranchWork(db, taken);
  const candidate = await approvedCandidate(db, taken, {
    head: parent.version,
    policyRevision: branch.policy_revision,
  });
  if (candidate !== null) {
    await moveJob(db, lease, taken.id, 'running', 'committing');
    await commitVersion(db, lease, { ...candidate, summary: null, gate: null, editResults: [] });
  } else await moveJob(db, lease, taken.id, 'running', 'queued');
  await releaseLease(db, lease);
  return candidate;
}

const typesOf = async (job: string) => (await listEvents(fixture.db, job, { limit: 100 })).data.map(({ type }) => type);

describe('a candidate that waits', () => {
  test('is committed as it was approved, by whoever takes it next', async () => {
    const { db } = fixture;
    const imported = await importWith('approved', { approval: 'required' });
    await edit(db, await importModel(db, 'other'), ['x']);
    const { job, approval } = await setAside(imported, ['a', 'b']);
    expect(approval).toMatchObject({ state: 'waiting', parent_version_id: imported.root, expires_at: null, by: null });
    expect(await getJob(db, job)).toMatchObject({
      state: 'awaiting_approval',
      version_id: null,
      approval,
      gate: gatePassed,
    });
    expect(await headOf(db, imported.model)).toBe(imported.root);
    expect(await waitingIds(db)).toEqual([]);

    const decided = await approveJob(db, { jobId: job, by: 'key_other', reason: 'looks right' });
    expect(decided).toMatchObject({
      state: 'queued',
      approval: { state: 'approved', by: 'key_other', reason: 'looks right', version_id: approval.version_id },
    });
    expect(await waitingIds(db)).toEqual([imported.lane]);
    await commitApproved(imported);
    expect(await getJob(db, job)).toMatchObject({
      state: 'succeeded',
      version_id: approval.version_id,
      gate: gatePassed,
    });
    expect(await headOf(db, imported.model)).toBe(approval.version_id);
    expect(await checkBranch(db, imported.branch)).toEqual({ moves: 2 });
    expect(await typesOf(job)).toEqual([
      'queued',
      'running',
      'evaluating',
      'awaiting_approval',
      'approved',
      'running',
      'committing',
      'succeeded',
    ]);
    const [log] = (await branchLog(db, imported.branch)).data;
    expect(log?.edits.map(({ custom_id }) => custom_id)).toEqual(['a', 'b']);
    expect(await fixture.query('SELECT * FROM candidates WHERE job_id = $1', [job])).toEqual([]);
  });

  test('shares the beginning of the chain it was built upon', async () => {
    const { db } = fixture;
    const imported = await importModel(db, 'shared');
    await edit(db, imported, ['a', 'b', 'c']);
    await change(imported, { approval: 'required' });
    const { job, approval } = await setAside(imported, ['d']);
    const [row] = await fixture.query('SELECT jsonb_array_length(added) AS added FROM candidates WHERE job_id = $1', [
      job,
    ]);
    expect(row).toEqual({ added: 1 });
    await approveJob(db, { jobId: job, by: 'key_other', reason: 'fine' });
    expect(await commitApproved(imported)).toMatchObject({ version: approval.version_id });
    const active = await activeEdits(db, imported.branch);
    expect(active.map(({ custom_id }) => custom_id)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('does not hold up those after it; approved on another head, it is worked anew', async () => {
    const { db } = fixture;
    const imported = await importWith('overtaken', { approval: 'required' });
    const first = await setAside(imported, ['a']);
    const second = await setAside(imported, ['b']);
    await approveJob(db, { jobId: second.job, by: 'key_other', reason: 'fine' });
    await commitApproved(imported);
    expect(await headOf(db, imported.model)).toBe(second.approval.version_id);
    await approveJob(db, { jobId: first.job, by: 'key_other', reason: 'fine' });
    expect(await commitApproved(imported)).toBeNull();

    // The approval is for the request: worked on the new head and gated there, it needs no other.
    const { lease, taken } = await take(db, imported.lane);
    expect(taken).toMatchObject({ id: first.job, approval: { state: 'approved' } });
    await toCommitting(db, lease, first.job);
    const { parent, edits } = await openBranchWork(db, taken);
    const added = madeContribution(first.job, [edits[0]!.id], parent.version);
    await commitVersion(db, lease, {
      jobId: first.job,
      parent: parent.version,
      kind: 'edit',
      ground: upon(parent.ground, [added]),
      outcome: 'succeeded',
      summary: null,
      gate: gatePassed,
      editResults: [],
    });
    await releaseLease(db, lease);
    expect(await checkBranch(db, imported.branch)).toEqual({ moves: 3 });
  });

  test('is worked anew when the policy was changed since', async () => {
    const imported = await importWith('tightened', { approval: 'required' });
    const { job } = await setAside(imported, ['a']);
    await change(imported, { approval: 'required', gate: { rules: [{ metric: 'delta_norm', max: 0 }] } });
    await approveJob(fixture.db, { jobId: job, by: 'key_other', reason: 'fine' });
    expect(await commitApproved(imported)).toBeNull();
  });

  test('that insisted on its parent is rejected when the branch has moved', async () => {
    const { db } = fixture;
    const imported = await importWith('insisting', { approval: 'required' });
    await submitEdits(db, imported.model, [madeEdit('a')], { parent: imported.root });
    const { lease, taken } = await take(db, imported.lane);
    const { parent, branch } = await openBranchWork(db, taken);
    await awaitApproval(db, lease, {
      jobId: taken.id,
      from: 'running',
      parent: parent.version,
      kind: 'edit',
      ground: upon(parent.ground, [madeContribution(taken.id, ['edit_made'])]),
      outcome: 'succeeded',
      summary: null,
      gate: gatePassed,
      editResults: [],
      policyRevision: branch.policy_revision,
    });
    await releaseLease(db, lease);
    const other = await setAside(imported, ['b']);
    await approveJob(db, { jobId: other.job, by: 'key_other', reason: 'fine' });
    await commitApproved(imported);
    await approveJob(db, { jobId: taken.id, by: 'key_other', reason: 'fine' });
    const again = await acquireLease(db, imported.lane, 'last', 60_000);
    expect(await takeNextJob(db, again!)).toBeNull();
    expect(await getJob(db, taken.id)).toMatchObject({ state: 'rejected', error: { code: 'stale_parent' } });
  });
});

describe('the decision', () => {
  test('is not for whoever submitted, by whatever way', async () => {
    const { db } = fixture;
    const imported = await importWith('own', { approval: 'required' });
    const { job } = await setAside(imported, ['a']);
    await fixture.query(`UPDATE jobs SET created_by = 'key_mine' WHERE id = $1`, [job]);
    await expect(approveJob(db, { jobId: job, by: 'key_mine', reason: 'mine' })).rejects.toMatchObject({
      code: 'self_approval',
    });
    // Put into the inbox by one, submitted by a schedule in the name of another: neither approves it.
    await fixture.query(
      `INSERT INTO inbox_edits (id, branch_id, custom_id, payload, subject, questions, answer, state, job_id, created_by)
       VALUES ('inbox_1', $1, 'a', '{}', 'a', '{}', 'a', 'batched', $2, 'key_inbox')`,
      [imported.branch, job],
    );
    await expect(approveJob(db, { jobId: job, by: 'key_inbox', reason: 'mine' })).rejects.toMatchObject({
      code: 'self_approval',
    });
    expect(await typesOf(job)).not.toContain('approved');
    expect(await approveJob(db, { jobId: job, by: 'key_other', reason: 'fine' })).toMatchObject({ state: 'queued' });
  });

  test('is made once, however many make it at once', async () => {
    const { db } = fixture;
    const imported = await importWith('raced', { approval: 'required' });
    const { job } = await setAside(imported, ['a']);
    const outcomes = await Promise.allSettled([
      ...['key_1', 'key_2', 'key_3'].map((by) => approveJob(db, { jobId: job, by, reason: 'yes' })),
      ...['key_4', 'key_5'].map((by) => rejectJob(db, { jobId: job, by, reason: 'no' })),
      cancelJob(db, job),
    ]);
    const types = await typesOf(job);
    const decisions = types.filter((type) => ['approved', 'rejected', 'cancelled'].includes(type));
    // An approved job is queued, and whoever submitted it may still cancel that.
    expect([1, 2]).toContain(decisions.length);
    expect(decisions.filter((type) => type !== 'cancelled').length).toBeLessThanOrEqual(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(['not_awaiting_approval', 'not_cancellable']).toContain(outcome.reason.code);
  });

  test('against it leaves the branch alone and says why', async () => {
    const { db } = fixture;
    const imported = await importWith('denied', { approval: 'required' });
    const { job, approval } = await setAside(imported, ['a']);
    expect(await rejectJob(db, { jobId: job, by: 'key_other', reason: 'wrong capital' })).toMatchObject({
      state: 'rejected',
      version_id: null,
      error: { code: 'approval_denied', message: 'rejected: wrong capital' },
      approval: {
        ...approval,
        state: 'rejected',
        by: 'key_other',
        reason: 'wrong capital',
        decided_at: expect.any(String),
      },
    });
    await expect(approveJob(db, { jobId: job, by: 'key_third', reason: 'but' })).rejects.toMatchObject({
      code: 'not_awaiting_approval',
    });
    await expect(retryJob(db, job)).rejects.toMatchObject({ code: 'not_retryable' });
    expect(await headOf(db, imported.model)).toBe(imported.root);
    expect(await fixture.query('SELECT id FROM versions WHERE id = $1', [approval.version_id])).toEqual([]);
  });

  test('that nobody makes in time is one against it', async () => {
    const { db } = fixture;
    const imported = await importWith('late', { approval: 'required', approval_hours: 24 });
    const [{ job, approval }, other] = [await setAside(imported, ['a']), await setAside(imported, ['b'])];
    expect(Date.parse(approval.expires_at!) - Date.parse(approval.since)).toBe(24 * 3_600_000);
    expect(await expireApprovals(db)).toEqual([]);
    const past = new Date(Date.now() - 1000).toISOString();
    await fixture.query(`UPDATE candidates SET expires_at = $2 WHERE job_id = $1`, [job, past]);
    await fixture.query(
      `UPDATE jobs SET approval = jsonb_set(approval, '{expires_at}', to_jsonb($2::text)) WHERE id = $1`,
      [job, past],
    );
    await expect(approveJob(db, { jobId: job, by: 'key_other', reason: 'late' })).rejects.toMatchObject({
      code: 'approval_expired',
    });
    expect(await expireApprovals(db)).toEqual([job]);
    expect(await expireApprovals(db)).toEqual([]);
    expect(await getJob(db, job)).toMatchObject({
      state: 'rejected',
      error: { code: 'approval_expired' },
      approval: { state: 'expired', by: null },
    });
    expect(await getJob(db, other.job)).toMatchObject({ state: 'awaiting_approval' });
  });

  test('is forgotten when the job is cancelled and tried again', async () => {
    const { db } = fixture;
    const imported = await importWith('again', { approval: 'required' });
    const { job } = await setAside(imported, ['a']);
    await approveJob(db, { jobId: job, by: 'key_other', reason: 'fine' });
    await cancelJob(db, job);
    expect(await retryJob(db, job)).toMatchObject({ state: 'queued', approval: null });
    const { lease, taken } = await take(db, imported.lane);
    await toCommitting(db, lease, taken.id);
    const { parent } = await openBranchWork(db, taken);
    const commit = commitVersion(db, lease, {
      jobId: job,
      parent: parent.version,
      kind: 'edit',
      ground: upon(parent.ground, [madeContribution(job, ['edit_made'])]),
      outcome: 'succeeded',
      summary: null,
      gate: gatePassed,
      editResults: [],
    });
    await expect(commit).rejects.toMatchObject({ code: 'approval_required', retryable: true });
    await requeueJob(db, lease, {
      jobId: job,
      from: 'committing',
      error: { code: 'approval_required', message: 'asked for meanwhile', errors: [], details: {} },
    });
    await releaseLease(db, lease);
    expect(await headOf(db, imported.model)).toBe(imported.root);
  });
});

test('a job that a person asked to cancel while it was worked does not wait', async () => {
  const { db } = fixture;
  const imported = await importWith('withdrawn', { approval: 'required' });
  const { id } = await submitEdits(db, imported.model, [madeEdit('a')]);
  const { lease, taken } = await take(db, imported.lane);
  await moveJob(db, lease, id, 'running', 'evaluating');
  const { parent, branch } = await openBranchWork(db, taken);
  await cancelJob(db, id);
  const waiting = awaitApproval(db, lease, {
    jobId: id,
    from: 'evaluating',
    parent: parent.version,
    kind: 'edit',
    ground: upon(parent.ground, [madeContribution(id, ['edit_made'])]),
    outcome: 'succeeded',
    summary: null,
    gate: gatePassed,
    editResults: [],
    policyRevision: branch.policy_revision,
  });
  expect(await waiting).toBe('cancel_requested');
  expect(await getJob(db, id)).toMatchObject({ state: 'evaluating', approval: null });
  expect(await fixture.query('SELECT * FROM candidates WHERE job_id = $1', [id])).toEqual([]);
  await finishJob(db, lease, { jobId: id, from: 'evaluating', to: 'cancelled' });
  await releaseLease(db, lease);
});

describe('a guarded branch', () => {
  test('lets through what the table says', () => {
    const kinds = ['edit', 'exact', 'subtract', 'reset'] as const;
    const row = (protectedBranch: boolean, approval: 'none' | 'required', automatic: boolean) =>
      kinds.map((kind) => passageOf({ name: 'main', protected: protectedBranch, approval }, kind, automatic));
    expect(row(false, 'none', false)).toEqual(['free', 'free', 'free', 'free']);
    expect(row(false, 'required', false)).toEqual(['approval', 'approval', 'approval', 'free']);
    expect(row(true, 'none', false)).toEqual(['approval', 'approval', 'approval', 'refused']);
    expect(row(true, 'required', true)).toEqual(['approval', 'approval', 'approval', 'approval']);
    expect(row(false, 'none', true)).toEqual(['free', 'free', 'free', 'free']);
  });

  test('commits nothing that was not approved, whatever the worker believed', async () => {
    const { db } = fixture;
    for (const kind of ['edit', 'exact', 'subtract', 'reset'] as const) {
      const imported = await importModel(db, `sudden-${kind}`);
      const job = await submitEdits(db, imported.model, [madeEdit('a')]);
      const { lease, taken } = await take(db, imported.lane);
      await toCommitting(db, lease, taken.id);
      // The policy changes when the candidate has been measured already.
      await change(imported, { protected: true });
      const commit = commitVersion(db, lease, {
        jobId: job.id,
        parent: imported.root,
        kind,
        ground: { after: null, added: [madeContribution(job.id, ['edit_made'])] },
        outcome: 'succeeded',
        summary: null,
        gate: gatePassed,
        editResults: [],
      });
      const code = kind === 'reset' ? 'protected_branch' : 'approval_required';
      await expect(commit).rejects.toMatchObject({ code });
      await releaseLease(db, lease);
      expect(await headOf(db, imported.model)).toBe(imported.root);
      expect(await checkBranch(db, imported.branch)).toEqual({ moves: 1 });
    }
  });

  test('refuses a reset by a person at once, and takes reverts for approval', async () => {
    const { db } = fixture;
    const imported = await importModel(db, 'no-reset');
    const { edits } = await edit(db, imported, ['a']);
    await change(imported, { protected: true });
    const ask = (mode: RollbackMode, target: object) =>
      submitRollback(db, { model: imported.model, branch: 'main', mode, ...target, reason: 'x', created_by: null });
    await expect(ask('reset', { to_version: imported.root })).rejects.toMatchObject({ code: 'protected_branch' });
    expect(await ask('exact', { revert_edit_ids: edits })).toMatchObject({ state: 'queued' });
    expect(await ask('subtract', { revert_edit_ids: edits })).toMatchObject({ state: 'queued' });
  });

  test('cannot be deleted and made anew without its guard', async () => {
    const { db } = fixture;
    for (const policy of [{ protected: true }, { approval: 'required' as const }]) {
      const imported = await importWith(`kept-${Object.keys(policy)[0]}`, policy);
      await expect(deleteBranch(db, imported.model, 'main')).rejects.toMatchObject({ code: 'protected_branch' });
      await change(imported, {});
      await deleteBranch(db, imported.model, 'main');
    }
  });

  test('deleted after all takes what waits with it', async () => {
    const { db } = fixture;
    const imported = await importWith('gone', { approval: 'required' });
    const { job } = await setAside(imported, ['a']);
    await change(imported, {});
    await deleteBranch(db, imported.model, 'main');
    expect(await getJob(db, job)).toMatchObject({ state: 'cancelled' });
    expect(await fixture.query('SELECT * FROM candidates WHERE job_id = $1', [job])).toEqual([]);
  });
});

describe('policies', () => {
  test('are kept, every one, with who made it and why', async () => {
    const { db } = fixture;
    const imported = await importModel(db, 'policed');
    const first = await getPolicy(db, imported.model, 'main');
    expect(first).toMatchObject({ ...open, branch: 'main', revision: 1, changed_by: null, reason: null });
    const stricter = { ...open, approval: 'required' as const, approval_hours: 12 };
    const second = await setPolicy(db, imported.model, 'main', {
      policy: stricter,
      changed_by: 'key_admin',
      reason: 'production',
      if_revision: 1,
    });
    expect(second).toMatchObject({ ...stricter, revision: 2, changed_by: 'key_admin', reason: 'production' });
    const stale = setPolicy(db, imported.model, 'main', {
      policy: open,
      changed_by: null,
      reason: 'x',
      if_revision: 1,
    });
    await expect(stale).rejects.toMatchObject({ code: 'stale_policy', details: { revision: 2 } });
    expect((await listPolicies(db, imported.model, 'main')).data).toEqual([second, first]);
    expect(await getBranch(db, imported.model, 'main')).toMatchObject({ ...stricter, policy_revision: 2 });
    await expect(fixture.query(`UPDATE branch_policies SET changed_by = 'nobody'`)).rejects.toThrow('append-only');
  });

  test('changed by several at once are all there, one after another', async () => {
    const { db } = fixture;
    const imported = await importModel(db, 'crowded');
    await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        setPolicy(db, imported.model, 'main', { policy: open, changed_by: `key_${index}`, reason: 'me' }),
      ),
    );
    const { data } = await listPolicies(db, imported.model, 'main');
    expect(data.map(({ revision }) => revision)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(new Set(data.map(({ changed_by }) => changed_by)).size).toBe(9);
  });

  test('come with a branch that is made with one', async () => {
    const { db } = fixture;
    const { model } = await importModel(db, 'born');
    const policy = { approval: 'required', protected: true, auto_rollback: 'reset', approval_hours: 3 } as const;
    const branch = await createBranch(db, model, { name: 'guarded', from: 'main', ...policy, created_by: 'key_1' });
    expect(branch).toMatchObject({ ...policy, policy_revision: 1 });
    expect(await getPolicy(db, model, 'guarded')).toMatchObject({ ...policy, revision: 1, changed_by: 'key_1' });
  });
});
