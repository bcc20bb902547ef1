// A protected branch over HTTP: every route that changes anything is listed here, and none of them moves it without an approval.
import { commitVersion, getBranch, moveJob, openBranchWork, releaseLease, upon } from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from './api.fixture.ts';

let api: ApiFixture;
let model: Awaited<ReturnType<ApiFixture['importModel']>>;
let done: string;
let editId: string;
let head: string;
beforeAll(async () => {
  api = await openApi();
  model = await api.importModel('atlas');
  const { body: job } = await api.post('/v1/edit_jobs', { model: 'atlas', edits: [anEdit('France')] });
  done = job.id;
  head = await api.carryOut(model.lane);
  [{ id: editId }] = (await api.get(`/v1/jobs/${job.id}/edits`)).body.data;
  await protect(true);
});
afterAll(() => api.close());

const address = '/v1/models/atlas/branches/main';
async function protect(on: boolean) {
  const { body } = await api.get(`${address}/policy`);
  const { gate, approval, approval_hours, auto_rollback } = body;
  const policy = { gate, approval, approval_hours, auto_rollback, protected: on, reason: 'a test' };
  expect((await api.call('PUT', `${address}/policy`, { body: policy })).status).toBe(200);
}

/** Routes that can put work on a branch or change what guards it. A new route belongs here or below. */
const concerned = [
  'DELETE /v1/models/:model/branches/:branch',
  'POST /v1/branches/:branch/inbox',
  'POST /v1/cherry_picks',
  'POST /v1/edit_jobs',
  'POST /v1/jobs/:job/approve',
  'POST /v1/jobs/:job/retry',
  'POST /v1/models/:model/branches',
  'POST /v1/models/:model/branches/:branch/restore',
  'POST /v1/rollbacks',
  'POST /v1/schedules',
  'POST /v1/schedules/:schedule/trigger',
  'PUT /v1/models/:model/branches/:branch/policy',
  // Held against the gate, it may send a branch back.
  'POST /v1/evaluations',
];
/** Routes that write, and that no branch moves by: names, probes, the settings of schedules, ends of jobs. */
const unconcerned = [
  /^(POST|DELETE|PUT) \/v1\/models\/:model\/(tags|aliases)/,
  /^(PATCH|DELETE) \/v1\/schedules\/:schedule$/,
  /^POST \/v1\/schedules\/:schedule\/(pause|resume)$/,
  /^(POST|DELETE) \/v1\/branches\/:branch\/inbox\/:edit/,
  /^POST \/v1\/jobs\/:job\/(cancel|reject)$/,
  /^(POST|DELETE) \/v1\/(suites|bisections|blame|artefacts|comparisons|checks|collections|completions|chat\/completions|models)(\/:suite)?$/,
];

/** A worker that knows of no policy takes the branch's next job and commits it. */
async function blindly(kind: 'edit' | 'exact' | 'subtract' | 'reset' = 'edit') {
  const { lease, job } = await api.take(model.lane);
  await moveJob(api.lineage, lease, job.id, 'running', 'committing');
  const { parent } = await openBranchWork(api.lineage, job);
  const added = { job_id: job.id, edit_ids: [], deltas: [{ kind: 'dense' as const, blob: 'a'.repeat(64) }], bytes: 1 };
  const commit = commitVersion(api.lineage, lease, {
    jobId: job.id,
    parent: parent.version,
    kind,
    ground: upon(parent.ground, [added]),
    outcome: 'succeeded',
    summary: null,
    gate: null,
    editResults: [],
  });
  const code = await commit.then(
    () => 'committed',
    (error) => String(error.code),
  );
  await moveJob(api.lineage, lease, job.id, 'committing', 'queued');
  await api.post(`/v1/jobs/${job.id}/cancel`, {});
  await releaseLease(api.lineage, lease);
  expect((await getBranch(api.lineage, model.id, 'main')).head).toBe(head);
  return code;
}

test('every route that writes is known to this test', () => {
  const writing = api.app.routeTable
    .filter(({ method }) => method !== 'GET' && method !== 'HEAD')
    .map(({ method, url }) => `${method} ${url}`);
  const unknown = writing.filter(
    (route) => !concerned.includes(route) && !unconcerned.some((form) => form.test(route)),
  );
  expect(unknown).toEqual([]);
  expect(concerned.filter((route) => !writing.includes(route))).toEqual([]);
});

test('edits are taken in and go nowhere without an approval, an administrator’s and one with a gate of its own included', async () => {
  const edits = [anEdit('Spain')];
  expect((await api.post('/v1/edit_jobs', { model: 'atlas', edits })).status).toBe(202);
  expect(await blindly()).toBe('approval_required');
  expect((await api.post('/v1/edit_jobs', { model: 'atlas', edits, gate: { rules: [] } })).status).toBe(202);
  expect(await blindly()).toBe('approval_required');
});

test('a request picked from another job goes nowhere without an approval', async () => {
  expect((await api.post('/v1/cherry_picks', { model: 'atlas', job_id: done })).status).toBe(202);
  expect(await blindly()).toBe('approval_required');
});

test('reverts go nowhere without an approval; resets are refused, by an administrator too', async () => {
  const ask = (mode: string, target: object) =>
    api.post('/v1/rollbacks', { model: 'atlas', mode, reason: 'x', ...target });
  expect((await ask('reset', { to_version: model.root })).body).toMatchObject({
    status: 409,
    code: 'protected_branch',
  });
  for (const mode of ['exact', 'subtract'] as const) {
    expect((await ask(mode, { revert_edit_ids: [editId] })).status).toBe(202);
    expect(await blindly(mode)).toBe('approval_required');
  }
  expect((await ask('exact', { revert_version_ids: [head] })).status).toBe(202);
  // Even a worker that makes a reset of it.
  expect(await blindly('reset')).toBe('protected_branch');
});

test('what was queued before the branch was protected is held up as well, also when it is tried again', async () => {
  await protect(false);
  const edit = (await api.post('/v1/edit_jobs', { model: 'atlas', edits: [anEdit('Peru')] })).body.id;
  await api.post(`/v1/jobs/${edit}/cancel`, {});
  const reset = { model: 'atlas', mode: 'reset', to_version: model.root, reason: 'x' };
  const asked = await api.post('/v1/rollbacks', reset);
  expect(asked.status).toBe(202);
  await protect(true);
  expect(await blindly('reset')).toBe('protected_branch');
  expect(await api.post(`/v1/jobs/${asked.body.id}/retry`, {})).toMatchObject({
    status: 409,
    body: { code: 'protected_branch' },
  });
  expect((await api.post(`/v1/jobs/${edit}/retry`, {})).body.state).toBe('queued');
  expect(await blindly()).toBe('approval_required');
});

test('a schedule puts on it what waits in its inbox, and that goes nowhere without an approval', async () => {
  await api.post(`/v1/branches/${model.branch}/inbox`, [anEdit('Chad')]);
  const schedule = await api.post('/v1/schedules', { name: 'nightly', model: 'atlas', when_pending: 1 });
  expect(schedule.status).toBe(201);
  const run = await api.post('/v1/schedules/nightly/trigger', {});
  expect(run.body).toMatchObject({ outcome: 'ran', run: { outcome: 'submitted' } });
  expect(await blindly()).toBe('approval_required');
});

test('it is not deleted, not made anew under its name, and not unprotected but by an administrator who says why', async () => {
  const weak = await api.keyWith(
    'models:read',
    'edits:write',
    'versions:rollback',
    'aliases:write',
    'evals:write',
    'approve',
  );
  expect((await api.call('DELETE', address)).body.code).toBe('protected_branch');
  expect((await api.post('/v1/models/atlas/branches', { name: 'main', from: model.root })).body.code).toBe(
    'name_taken',
  );
  expect((await api.post(`${address}/restore`, {})).status).toBeGreaterThanOrEqual(400);
  const policy = { ...(await api.get(`${address}/policy`)).body, protected: false };
  expect((await api.call('PUT', `${address}/policy`, { body: policy, token: weak })).body.code).toBe('missing_scope');
  expect((await getBranch(api.lineage, model.id, 'main')).protected).toBe(true);
});

test('an evaluation is held against its gate only by who may roll back', async () => {
  const weak = await api.keyWith('models:read', 'evals:write');
  const request = { model: 'atlas', branch: 'main', probes: [{ prompt: 'France is' }], gate: true };
  const refused = await api.post('/v1/evaluations', request, { token: weak });
  expect(refused.body).toMatchObject({ code: 'missing_scope', details: { scope: 'versions:rollback' } });
  expect((await api.post('/v1/evaluations', { ...request, gate: false }, { token: weak })).status).toBe(202);
  expect((await api.post('/v1/evaluations', { ...request, version: head, branch: undefined })).body.code).toBe(
    'invalid_request',
  );
});
