// Policies and approvals over HTTP: who may change, approve and reject, and what they are told when they may not.
import { acquireLease, awaitApproval, moveJob, openBranchWork, releaseLease, takeNextJob, upon } from '@errata/lineage';
import { createErrata } from '@errata/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, madeResult, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let model: Awaited<ReturnType<ApiFixture['importModel']>>;
beforeAll(async () => {
  api = await openApi();
  model = await api.importModel('atlas');
});
afterAll(() => api.close());

const path = '/v1/models/atlas/branches/main/policy';
const policy = {
  gate: { rules: [{ metric: 'locality', min: 0.5 }] },
  approval: 'required',
  approval_hours: 48,
  auto_rollback: 'off',
  protected: false,
};

/** Brings a job to where it waits, as a worker does. */
async function setAside(jobId: string) {
  const lease = (await acquireLease(api.lineage, model.lane, `holder ${Math.random()}`, 60_000))!;
  const job = (await takeNextJob(api.lineage, lease))!;
  expect(job.id).toBe(jobId);
  await moveJob(api.lineage, lease, jobId, 'running', 'evaluating');
  const { parent, edits, branch } = await openBranchWork(api.lineage, job);
  await awaitApproval(api.lineage, lease, {
    jobId,
    from: 'evaluating',
    parent: parent.version,
    kind: 'edit',
    ground: upon(
      parent.ground,
      edits.map(({ id }) => ({
        job_id: jobId,
        edit_ids: [id],
        deltas: [{ kind: 'low_rank', blob: '0'.repeat(64) }],
        bytes: 10,
      })),
    ),
    outcome: 'succeeded',
    summary: null,
    gate: { passed: true, findings: [] },
    editResults: edits.map(({ edit }) => madeResult(edit.custom_id)),
    policyRevision: branch.policy_revision,
  });
  await releaseLease(api.lineage, lease);
}

test('a policy is changed as a whole, by administrators, with a reason, and every change is kept', async () => {
  const before = (await api.get(path)).body;
  expect(before).toMatchObject({
    object: 'branch_policy',
    branch: 'main',
    revision: 1,
    approval: 'none',
    protected: false,
  });
  const weak = await api.keyWith('models:read', 'edits:write', 'approve', 'versions:rollback');
  const put = (body: object, token?: string) =>
    api.call('PUT', path, { body, ...(token === undefined ? {} : { token }) });
  expect((await put({ ...policy, reason: 'x' }, weak)).body.code).toBe('missing_scope');
  for (const [body, field] of [
    [{ ...policy }, 'reason'],
    [{ ...policy, reason: 'x', approval: 'maybe' }, 'approval'],
    [{ ...policy, reason: 'x', protected: undefined }, 'protected'],
    [
      { ...policy, reason: 'x', gate: { rules: [{ metric: 'delta_norm', max: 1, against: 'absolute' }] } },
      'gate.rules.0.against',
    ],
  ] as const) {
    const refused = await put(body);
    expect([refused.status, refused.body.errors[0].field]).toEqual([400, field]);
  }
  const changed = await put({ ...policy, reason: 'production', if_revision: 1 });
  expect(changed.body).toMatchObject({ ...policy, revision: 2, reason: 'production' });
  expect((await put({ ...policy, reason: 'again', if_revision: 1 })).body).toMatchObject({
    code: 'stale_policy',
    details: { revision: 2 },
  });
  expect((await api.get(`${path}/history`)).body.data).toEqual([changed.body, before]);
  expect((await api.get('/v1/models/atlas/branches/main')).body).toMatchObject({ ...policy, policy_revision: 2 });
});

test('approving takes the scope and another key than the one that submitted', async () => {
  const author = await api.keyWith('edits:write', 'models:read', 'approve');
  const other = await api.keyWith('approve', 'models:read');
  const edits = [anEdit('France')];
  const { body: job } = await api.post('/v1/edit_jobs', { model: 'atlas', edits }, { token: author });
  const decide = (verb: 'approve' | 'reject', token: string, body: object = { reason: 'checked' }) =>
    api.post(`/v1/jobs/${job.id}/${verb}`, body, { token });
  expect((await decide('approve', other)).body.code).toBe('not_awaiting_approval');
  await setAside(job.id);
  expect((await api.get('/v1/jobs?state=awaiting_approval')).body.data.map(({ id }: { id: string }) => id)).toEqual([
    job.id,
  ]);
  const without = await api.keyWith('edits:write', 'models:read', 'versions:rollback', 'evals:write');
  expect((await decide('approve', without)).body.code).toBe('missing_scope');
  expect((await decide('reject', without)).body.code).toBe('missing_scope');
  const own = await decide('approve', author);
  expect([own.status, own.body.code]).toEqual([403, 'self_approval']);
  expect((await decide('approve', other, {})).body.errors[0].pointer).toBe('/reason');
  const approved = await decide('approve', other);
  expect(approved).toMatchObject({
    status: 200,
    body: { state: 'queued', approval: { state: 'approved', reason: 'checked', parent_version_id: model.root } },
  });
  expect((await decide('approve', other)).body.code).toBe('not_awaiting_approval');
  expect((await api.post('/v1/jobs/job_none/approve', { reason: 'x' })).body.code).toBe('unknown_job');
});

test('the client changes policies, waits until an approval is asked for, and decides', async () => {
  await api.post('/v1/models/atlas/branches', { name: 'side' });
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  const address = api.app.server.address();
  const baseUrl = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  const errata = createErrata({ baseUrl, apiKey: api.key });
  const now = await errata.branches.policy('atlas', 'side');
  const { gate, approval_hours, auto_rollback } = now;
  const next = await errata.branches.setPolicy('atlas', 'side', {
    gate,
    approval: 'none',
    approval_hours,
    auto_rollback,
    protected: true,
    reason: 'served',
    if_revision: now.revision,
  });
  expect(next).toMatchObject({ revision: 2, protected: true, reason: 'served' });
  expect(await errata.branches.policies('atlas', 'side').all()).toEqual([next, now]);
  const reset = errata.rollbacks.create({
    model: 'atlas',
    branch: 'side',
    mode: 'reset',
    to_version: model.root,
    reason: 'x',
  });
  await expect(reset).rejects.toMatchObject({ code: 'protected_branch' });
  await expect(errata.branches.delete('atlas', 'side')).rejects.toMatchObject({ code: 'protected_branch' });

  const waiting = (await errata.jobs.list({ state: 'queued' }).all())[0]!;
  await errata.jobs.cancel(waiting.id);
  const edits = [anEdit('Spain')];
  const author = createErrata({ baseUrl, apiKey: await api.keyWith('edits:write', 'models:read') });
  const job = await author.editJobs.create({ model: 'atlas', edits });
  await setAside(job.id);
  const seen: string[] = [];
  const stopped = await errata.jobs.wait(job.id, {
    stopAt: ['awaiting_approval'],
    onEvent: ({ type }) => seen.push(type),
  });
  expect(stopped.state).toBe('awaiting_approval');
  expect(seen).toEqual(['queued', 'running', 'evaluating', 'awaiting_approval']);
  const rejected = await errata.jobs.reject(job.id, 'not so');
  expect(rejected).toMatchObject({ state: 'rejected', error: { code: 'approval_denied' } });
  expect((await errata.jobs.wait(job.id, { stopAt: ['awaiting_approval'] })).state).toBe('rejected');
});
