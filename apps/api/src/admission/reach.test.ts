// Generated from the table of routes: a key that is limited to a model gets nothing of another, by whatever it names it.
import { scopes } from '@errata/contracts';
import { createKey } from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let token: string;
let own: Readonly<Record<string, string>>;
let foreign: Readonly<Record<string, string>>;
beforeAll(async () => {
  api = await openApi();
  own = await everything('own');
  foreign = await everything('foreign');
  token = (await createKey(api.lineage, 'limited', scopes, { models: [own.model!] })).token;
});
afterAll(() => api.close());

/** A model with one thing of each kind, by what paths call it. */
async function everything(name: string): Promise<Record<string, string>> {
  const { id: model, branch, lane } = await api.importModel(name);
  const { id: job } = (await api.post('/v1/edit_jobs', { model: name, edits: [anEdit(name)] })).body;
  const version = await api.carryOut(lane);
  const [{ id: edit }] = (await api.get(`/v1/jobs/${job}/edits`)).body.data;
  const made = async (path: string, body: object) => (await api.post(path, body)).body.id as string;
  const schedule = await made('/v1/schedules', { name, model: name, branch: 'main', when_pending: 9 });
  const webhook = await made('/v1/webhooks', { url: 'http://127.0.0.1:1/', model: name });
  return { model, branch, job, version, edit, schedule, webhook };
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
const ask = (method: string, path: string, model: string, job: string) => {
  const writes = method !== 'GET' && method !== 'DELETE';
  const named = /comparisons/.test(path) ? { one: job, other: job } : { model };
  const url = writes ? path : `${path}?model=${model}`;
  return api.call(method as 'POST', url, { token, ...(writes ? { body: path.endsWith('/inbox') ? [] : named } : {}) });
};

/** What is about no model, and may be asked with any key. */
const free = ['GET /v1/models', 'POST /v1/datasets'];
/** What is about no one model, and whatever a request says of one. */
const ofAll =
  /^(?:GET|POST|DELETE) \/(?:bull-board|v1\/(?:keys|checks|collections|erasures|audit|queue|workers|failures|health|storage|suites))|POST \/v1\/models$|GET \/v1\/webhooks$/;

test('every route refuses what belongs to a model that a key does not reach', async () => {
  const before = await api.counts();
  for (const { method, url } of routes()) {
    const route = `${method} ${url}`;
    if (free.includes(route)) continue;
    for (const model of [foreign.model!, 'foreign', 'foreign@main']) {
      const { status, body } = await ask(method, filled(url, foreign), model, foreign.job!);
      expect({ route, status, code: body?.code }).toEqual({ route, status: 403, code: 'model_out_of_reach' });
    }
  }
  expect(await api.counts()).toEqual(before);
});

test('of its own model it may ask whatever its scopes allow, and what is about no one model is refused', async () => {
  const refused: string[] = [];
  for (const { method, url } of routes()) {
    // The rest of the table may still need the key's own things, and there is no artefact.
    if (method === 'DELETE' || url.endsWith('/:artefact')) continue;
    const { body } = await ask(method, filled(url, own), 'own', own.job!);
    if (body?.code === 'model_out_of_reach') refused.push(`${method} ${url}`);
  }
  const expected = routes().map(({ method, url }) => `${method} ${url}`);
  expect(refused.sort()).toEqual(expected.filter((route) => ofAll.test(route) && !route.startsWith('DELETE')).sort());
});

test('what is mixed is refused, lists have to name a model, and the list of models has those that it reaches', async () => {
  const edits = { model: 'own', edits: [anEdit('x')] };
  expect((await api.post('/v1/edit_jobs?model=foreign', edits, { token })).body.code).toBe('model_out_of_reach');
  const picked = { model: 'own', job_id: foreign.job };
  expect((await api.post('/v1/cherry_picks', picked, { token })).body.code).toBe('model_out_of_reach');
  expect((await api.get('/v1/jobs', { token })).body).toMatchObject({ details: { models: [own.model] } });
  expect((await api.get('/v1/jobs?model=own', { token })).status).toBe(200);
  const names = new Set(
    (await api.get('/v1/models', { token })).body.data.map((each: { model_id: string }) => each.model_id),
  );
  expect([...names]).toEqual([own.model]);
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
