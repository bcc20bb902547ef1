// The audit log over the API: whatever a route does is told, in the name of the key that asked, to whoever may read it.
import { type AuditAct, auditEntrySchema, auditFault } from '@errata/contracts';
import { admitPerson, noteWorker } from '@errata/lineage';
import { createErrata } from '@errata/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let model: Awaited<ReturnType<ApiFixture['importModel']>>;
beforeAll(async () => {
  api = await openApi();
  model = await api.importModel('atlas');
});
afterAll(() => api.close());

const job = 'job.submitted';
/** What each route that writes leaves in the log, for whoever asks; null where nothing that lasts is changed. */
const told: Readonly<Record<string, AuditAct | null>> = {
  'POST /v1/session': 'session.opened',
  'DELETE /v1/session': null,
  'POST /v1/keys': 'key.created',
  'POST /v1/keys/:key/rotate': 'key.rotated',
  'DELETE /v1/keys/:key': 'key.revoked',
  'POST /v1/models': job,
  'POST /v1/models/:model/branches': 'branch.created',
  'DELETE /v1/models/:model/branches/:branch': 'branch.deleted',
  'POST /v1/models/:model/branches/:branch/restore': 'branch.restored',
  'PUT /v1/models/:model/branches/:branch/policy': 'policy.changed',
  'POST /v1/models/:model/branches/:branch/policy/test': null,
  'POST /v1/models/:model/tags': 'tag.created',
  'DELETE /v1/models/:model/tags/:tag': 'tag.deleted',
  'PUT /v1/models/:model/aliases/:alias': 'alias.moved',
  'DELETE /v1/models/:model/aliases/:alias': 'alias.moved',
  'POST /v1/edit_jobs': job,
  'POST /v1/cherry_picks': job,
  'POST /v1/rollbacks': job,
  'POST /v1/rollbacks/plan': null,
  'POST /v1/jobs/:job/cancel': 'job.cancelled',
  'POST /v1/jobs/:job/retry': 'job.retried',
  'POST /v1/jobs/:job/approve': 'job.approved',
  'POST /v1/jobs/:job/reject': 'job.refused',
  'POST /v1/datasets': null,
  'POST /v1/branches/:branch/inbox': 'inbox.added',
  'POST /v1/branches/:branch/inbox/:edit/keep': 'inbox.kept',
  'DELETE /v1/branches/:branch/inbox/:edit': 'inbox.withdrawn',
  'POST /v1/schedules': 'schedule.created',
  'PATCH /v1/schedules/:schedule': 'schedule.changed',
  'POST /v1/schedules/:schedule/pause': 'schedule.paused',
  'POST /v1/schedules/:schedule/resume': 'schedule.resumed',
  'POST /v1/schedules/:schedule/trigger': job,
  'DELETE /v1/schedules/:schedule': 'schedule.deleted',
  'POST /v1/evaluations': job,
  'POST /v1/suites': 'suite.created',
  'POST /v1/comparisons': job,
  'POST /v1/bisections': job,
  'POST /v1/blame': job,
  'POST /v1/artefacts': job,
  'POST /v1/checks': job,
  'POST /v1/collections': job,
  'POST /v1/workers/:worker/drain': 'worker.drained',
  'POST /v1/erasures': 'edit.erased',
  'POST /v1/projects': 'project.created',
  'PATCH /v1/projects/:project': 'project.changed',
  'PUT /v1/projects/:project/models/:model': 'model.moved',
  'PUT /v1/projects/:project/members/:person': 'member.changed',
  'DELETE /v1/projects/:project/members/:person': 'member.removed',
  'POST /v1/webhooks': 'webhook.created',
  'PATCH /v1/webhooks/:webhook': 'webhook.changed',
  'POST /v1/webhooks/:webhook/rotate': 'webhook.rotated',
  'DELETE /v1/webhooks/:webhook': 'webhook.deleted',
  'POST /v1/webhooks/:webhook/test': null,
  'POST /v1/webhooks/:webhook/deliveries/:delivery/replay': 'delivery.replayed',
  'POST /v1/embeddings': null,
  'POST /v1/completions': null,
  'POST /v1/chat/completions': null,
};

test('every route that writes is in the table', () => {
  const writing = api.app.routeTable.filter(({ method }) => method !== 'GET' && method !== 'HEAD');
  expect(writing.map(({ method, url }) => `${method} ${url}`).sort()).toEqual(Object.keys(told).sort());
});

test('what is asked is told in the name of the key that asked', async () => {
  const [{ id: asker }] = (await api.get('/v1/keys')).body.data;
  const asked = new Set<string>();
  /** Asks, and holds the newest entry against the table. */
  const ask = async (route: string, body?: object, ...names: string[]): Promise<Answer> => {
    const [method = '', pattern = ''] = route.split(' ');
    const path = pattern.replace(/:\w+/g, () => names.shift()!);
    const answer = await api.call(method as 'POST', path, body === undefined ? {} : { body });
    expect(answer.status, `${route}: ${answer.text}`).toBeLessThan(300);
    const [newest] = await api.query('SELECT act, actor FROM audit_entries ORDER BY id DESC LIMIT 1');
    expect(newest, route).toEqual({ act: told[route], actor: asker });
    asked.add(route);
    return answer;
  };
  const { id: key } = (await ask('POST /v1/keys', { name: 'k', scopes: ['models:read'] })).body;
  await ask('POST /v1/keys/:key/rotate', {}, key);
  await ask('DELETE /v1/keys/:key', undefined, key);
  await ask('POST /v1/models', { name: 'other', path: 'models/other' });
  const { body: fork } = await ask('POST /v1/models/:model/branches', { name: 'fork', from: 'main' }, 'atlas');
  await ask('DELETE /v1/models/:model/branches/:branch', undefined, 'atlas', 'fork');
  await ask('POST /v1/models/:model/branches/:branch/restore', {}, 'atlas', 'fork');
  const { gate, approval, approval_hours, auto_rollback } = fork;
  const policy = { gate, approval, approval_hours, auto_rollback, protected: false, reason: 'x' };
  await ask('PUT /v1/models/:model/branches/:branch/policy', policy, 'atlas', 'fork');
  await ask('POST /v1/models/:model/tags', { name: 'tag', version: 'main' }, 'atlas');
  await ask('DELETE /v1/models/:model/tags/:tag', undefined, 'atlas', 'tag');
  await ask('PUT /v1/models/:model/aliases/:alias', { version: 'main' }, 'atlas', 'served');
  await ask('DELETE /v1/models/:model/aliases/:alias', undefined, 'atlas', 'served');
  const { body: edits } = await ask('POST /v1/edit_jobs', { model: 'atlas', edits: [anEdit('France')] });
  await ask('POST /v1/jobs/:job/cancel', {}, edits.id);
  await ask('POST /v1/jobs/:job/retry', {}, edits.id);
  await api.carryOut(model.lane);
  await ask('POST /v1/cherry_picks', { model: 'atlas', branch: 'fork', job_id: edits.id });
  await ask('POST /v1/rollbacks', { model: 'atlas', mode: 'reset', to_version: model.root, reason: 'x' });
  const inbox = async (name: string) =>
    (await ask('POST /v1/branches/:branch/inbox', [anEdit(name)], fork.id)).body.edits[0].id;
  await ask('POST /v1/branches/:branch/inbox/:edit/keep', {}, fork.id, await inbox('Cuba'));
  await ask('DELETE /v1/branches/:branch/inbox/:edit', undefined, fork.id, await inbox('Peru'));
  const { id: schedule } = (
    await ask('POST /v1/schedules', { name: 's', model: 'atlas', branch: 'fork', when_pending: 100 })
  ).body;
  await ask('PATCH /v1/schedules/:schedule', { batch_size: 3 }, schedule);
  await ask('POST /v1/schedules/:schedule/pause', {}, schedule);
  await ask('POST /v1/schedules/:schedule/resume', {}, schedule);
  await ask('POST /v1/schedules/:schedule/trigger', {}, schedule);
  await ask('DELETE /v1/schedules/:schedule', undefined, schedule);
  await ask('POST /v1/evaluations', { model: 'atlas', probes: [{ prompt: 'France is' }] });
  const { id: project } = (await ask('POST /v1/projects', { name: 'side' })).body;
  await ask('PATCH /v1/projects/:project', { quotas: { open_jobs: 9 } }, project);
  await ask('PUT /v1/projects/:project/models/:model', undefined, project, 'atlas');
  const memberships = [{ project: 'side', role: 'reader' }] as const;
  const person = await admitPerson(api.lineage, { issuer: 'x', subject: 'x', name: 'Ada', memberships });
  await ask('PUT /v1/projects/:project/members/:person', { role: 'editor' }, project, person!.id);
  await ask('DELETE /v1/projects/:project/members/:person', undefined, project, person!.id);
  await ask('POST /v1/suites', { name: 'suite', probes: [{ prompt: 'France is' }] });
  await ask('POST /v1/checks', {});
  await noteWorker(api.lineage, 'worker-1', 60_000);
  await ask('POST /v1/workers/:worker/drain', undefined, 'worker-1');
  await ask('POST /v1/collections', {});
  const { id: hook } = (await ask('POST /v1/webhooks', { url: 'http://127.0.0.1:1/' })).body;
  await ask('PATCH /v1/webhooks/:webhook', { enabled: false }, hook);
  await ask('POST /v1/webhooks/:webhook/rotate', {}, hook);
  const { id: delivery } = (await api.post(`/v1/webhooks/${hook}/test`, {})).body;
  await ask('POST /v1/webhooks/:webhook/deliveries/:delivery/replay', {}, hook, delivery);
  await ask('DELETE /v1/webhooks/:webhook', undefined, hook);
  // The others need a candidate that waits, finished evaluations or a browser; each is noted where one of these is.
  const others = ['POST /v1/erasures', 'POST /v1/session', 'POST /v1/jobs/:job/approve', 'POST /v1/jobs/:job/reject'];
  const searches = ['POST /v1/comparisons', 'POST /v1/bisections', 'POST /v1/blame', 'POST /v1/artefacts'];
  const left = Object.keys(told).filter((route) => told[route] !== null && !asked.has(route));
  expect(left.sort()).toEqual([...others, ...searches].sort());
});

test('whoever may read it gets a whole chain, a page at a time, and nobody else does', async () => {
  const token = await api.keyWith('audit:read');
  expect((await api.get('/v1/audit', { token: await api.keyWith('models:read') })).body.code).toBe('missing_scope');
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const entries = await createErrata({ baseUrl: url, apiKey: token }).audit.list({ limit: 10 }).all();
  expect(entries.length).toBeGreaterThan(35);
  for (const [index, entry] of entries.entries())
    expect(auditFault(auditEntrySchema.parse(entry), entries[index - 1] ?? null)).toBeNull();
  const moved = (await api.get(`/v1/audit?act=branch.moved&subject=${model.branch}`, { token })).body.data;
  expect(moved).toMatchObject([{ model_id: model.id, details: { sequence: 2, kind: 'edit' } }]);
  expect((await api.get('/v1/audit?after=x', { token })).body.code).toBe('invalid_request');
});
