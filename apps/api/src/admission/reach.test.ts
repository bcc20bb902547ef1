// Generated from the table of routes: a key that is limited to a project or a model gets nothing of another, by whatever it names it.
import { scopes } from '@errata/contracts';
import { createKey } from '@errata/lineage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let own: Readonly<Record<string, string>>;
let foreign: Readonly<Record<string, string>>;
const limits = ['project', 'model'] as const;
type Limit = (typeof limits)[number];
/** Keys with every scope, by what they are limited to. */
let tokens: Readonly<Record<Limit, string>>;
beforeAll(async () => {
  api = await openApi();
  own = await everything('own');
  foreign = await everything('foreign');
  const { token } = await createKey(api.lineage, 'limited', scopes, { models: [own.model!] });
  tokens = { model: token, project: own.token! };
});
afterAll(() => api.close());

/** A project with one thing of each kind, by what paths call it. */
async function everything(name: string): Promise<Record<string, string>> {
  const { id: model, branch, lane } = await api.importModel(name);
  const made = async (path: string, body: object) => (await api.post(path, body)).body;
  const project = await made('/v1/projects', { name: `${name}-team` });
  await api.call('PUT', `/v1/projects/${project.id}/models/${name}`);
  const { id: key, token } = await made('/v1/keys', { name, scopes, project: project.name });
  const { id: job } = await made('/v1/edit_jobs', { model: name, edits: [anEdit(name)] });
  const version = await api.carryOut(lane);
  const [{ id: edit }] = (await api.get(`/v1/jobs/${job}/edits`)).body.data;
  const schedule = await made('/v1/schedules', { name, model: name, branch: 'main', when_pending: 9 });
  const webhook = await made('/v1/webhooks', { url: 'http://127.0.0.1:1/', model: name });
  const things = { project: project.id, key, token, model, branch, job, version, edit };
  return { ...things, schedule: schedule.id, webhook: webhook.id };
}

/** An address with things of a model in it; what no model has is made up. */
function filled(url: string, things: Readonly<Record<string, string>>): string {
  const ofModel = url.startsWith('/v1/models/');
  return url.replaceAll(/:(\w+)|\*/g, (_, name: string) => {
    if (ofModel && name !== 'model') return name === 'branch' ? 'main' : 'x';
    const job = ['bisection', 'blame', 'comparison', 'evaluation', 'rollback'].includes(name);
    return things[job ? 'job' : name === 'other' ? 'version' : name] ?? 'x';
  });
}

const routes = () => api.app.routeTable.filter(({ access }) => access !== 'public');
const ask = (token: string, method: string, path: string, model: string, job: string) => {
  const writes = method !== 'GET' && method !== 'DELETE';
  const named = /comparisons/.test(path) ? { one: job, other: job } : { model };
  const url = writes ? path : `${path}?model=${model}`;
  return api.call(method as 'POST', url, { token, ...(writes ? { body: path.endsWith('/inbox') ? [] : named } : {}) });
};

/** Lists that name no model tell of what is reached. */
const lists = [
  'jobs',
  'edit_jobs',
  'edits',
  'evaluations',
  'schedules',
  'rollbacks',
  'bisections',
  'blame',
  'comparisons',
];
/** What takes no model, and may be asked with any key. */
const free = ['GET /v1/models', 'GET /v1/projects', 'GET /v1/keys', 'GET /v1/webhooks', 'POST /v1/datasets'];
const service = 'checks|collections|erasures|audit|queue|workers|failures|health|storage|suites';
/** What is about no one model or project, and whatever a request says of one. */
const ofAll = new RegExp(
  `^(?:GET|POST) /(?:bull-board|v1/(?:${service}))|POST /v1/(?:models|keys|projects)$|PATCH /v1/projects|PUT /v1/projects/:project/models`,
);
/** What who is limited to a model may not ask of its project. */
const ofProject = [
  'GET /v1/projects/:project',
  'GET /v1/projects/:project/members',
  'PUT /v1/projects/:project/members/:person',
  'POST /v1/keys/:key/rotate',
];

describe.each(limits)('a key that is limited to a %s', (limit) => {
  test('is refused at every route what belongs to another', async () => {
    const before = await api.counts();
    for (const { method, url } of routes()) {
      const route = `${method} ${url}`;
      if (free.includes(route)) continue;
      for (const model of [foreign.model!, 'foreign', 'foreign@main']) {
        const { status, body } = await ask(tokens[limit], method, filled(url, foreign), model, foreign.job!);
        expect({ route, status, code: body?.code }).toEqual({ route, status: 403, code: 'model_out_of_reach' });
      }
    }
    expect(await api.counts()).toEqual(before);
  });

  test('may ask of its own whatever its scopes allow, and is refused what is about no one model or project', async () => {
    const refused: string[] = [];
    for (const { method, url } of routes()) {
      // The rest of the table may still need the key's own things, and there is no artefact.
      if (method === 'DELETE' || url.includes('/:artefact')) continue;
      const { body } = await ask(tokens[limit], method, filled(url, own), 'own', own.job!);
      if (body?.code === 'model_out_of_reach') refused.push(`${method} ${url}`);
    }
    const expected = routes()
      .map(({ method, url }) => `${method} ${url}`)
      .filter((route) => ofAll.test(route) || (limit === 'model' && ofProject.includes(route)));
    expect(refused.sort()).toEqual(expected.sort());
  });

  test('is refused what is mixed, and lists tell of what it reaches', async () => {
    const token = tokens[limit];
    const edits = { model: 'own', edits: [anEdit('x')] };
    expect((await api.post('/v1/edit_jobs?model=foreign', edits, { token })).body.code).toBe('model_out_of_reach');
    const picked = { model: 'own', job_id: foreign.job };
    expect((await api.post('/v1/cherry_picks', picked, { token })).body.code).toBe('model_out_of_reach');
    for (const list of ['models', 'webhooks', ...lists]) {
      const { status, body } = await api.get(`/v1/${list}`, { token });
      expect({ list, status }).toEqual({ list, status: 200 });
      for (const other of ['foreign', foreign.model!]) expect(JSON.stringify(body.data), list).not.toContain(other);
    }
    for (const list of ['jobs', 'edits', 'schedules', 'webhooks'])
      expect((await api.get(`/v1/${list}`, { token })).body.data, list).not.toEqual([]);
    expect((await api.get('/v1/jobs?model=foreign', { token })).body.code).toBe('model_out_of_reach');
  });
});

test('who administers a project makes keys for it, imports into it, and bounds nothing', async () => {
  const token = tokens.project;
  expect((await api.get('/v1/projects', { token })).body.data).toMatchObject([{ name: 'own-team' }]);
  const asked = { name: 'k', scopes: ['models:read'] };
  const { body: made } = await api.post('/v1/keys', { ...asked, project: 'own-team' }, { token });
  expect(made).toMatchObject({ project_id: own.project });
  const listed = (await api.get('/v1/keys', { token })).body.data;
  expect(new Set(listed.map((key: { project_id: string }) => key.project_id))).toEqual(new Set([own.project]));
  const imported = await api.post('/v1/models', { name: 'new', path: 'x', project: 'own-team' }, { token });
  expect(imported.status).toBe(202);
  expect((await api.get(`/v1/jobs/${imported.body.id}`, { token })).status).toBe(200);
  expect((await api.call('DELETE', `/v1/keys/${made.id}`, { token })).status).toBe(204);
  for (const [path, body] of [
    ['/v1/keys', asked],
    ['/v1/keys', { ...asked, project: 'foreign-team' }],
    ['/v1/models', { name: 'newer', path: 'x' }],
    ['/v1/models', { name: 'newer', path: 'x', project: 'foreign-team' }],
  ] as const)
    expect((await api.post(path, body, { token })).body.code).toBe('model_out_of_reach');
  // A key that is limited to some of its models does not stand for the project.
  const narrow = { ...asked, scopes: ['admin'], project: 'own-team', models: ['own'] };
  const { token: narrowed } = (await api.post('/v1/keys', narrow, { token })).body;
  expect((await api.get('/v1/models/own', { token: narrowed })).status).toBe(200);
  expect((await api.post('/v1/keys', { ...asked, project: 'own-team' }, { token: narrowed })).status).toBe(403);
});

test('a model that is given to another project is reached from there, and no more from here', async () => {
  await api.importModel('wanderer');
  const seen = async () =>
    Promise.all(
      [own, foreign].map(async ({ token }) => (await api.get('/v1/models/wanderer', { token: token! })).status),
    );
  await api.call('PUT', '/v1/projects/own-team/models/wanderer');
  expect(await seen()).toEqual([200, 403]);
  await api.call('PUT', '/v1/projects/foreign-team/models/wanderer');
  expect(await seen()).toEqual([403, 200]);
  expect((await api.get('/v1/audit?act=model.moved')).body.data.at(-1)).toMatchObject({
    details: { from_project_id: own.project, to_project_id: foreign.project },
  });
});

test('keys are limited by name, told, and replaced by keys that are limited alike', async () => {
  const made = await api.post('/v1/keys', { name: 'k', scopes: ['models:read'], models: ['own'] });
  expect(made).toMatchObject({ status: 201, body: { models: [own.model] } });
  const next = await api.post(`/v1/keys/${made.body.id}/rotate`, {});
  expect(next.body.models).toEqual([own.model]);
  expect((await api.get('/v1/jobs?model=foreign', { token: next.body.token })).status).toBe(403);
  expect((await api.post('/v1/keys', { name: 'k', scopes: ['admin'], models: ['none'] })).body.code).toBe(
    'unknown_model',
  );
  expect((await api.post('/v1/keys', { name: 'k', scopes: ['admin'] })).body.models).toBeNull();
});
