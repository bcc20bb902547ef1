// What a job takes is told from what it asks, not from its kind alone: stopping, repeating and scheduling it take the same as submitting it.
import type { Scope } from '@errata/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi();
  await api.importModel('atlas');
});
afterAll(() => api.close());

const gate = { rules: [] };
const cases: readonly {
  readonly what: string;
  readonly path: string;
  readonly body: object;
  readonly little: Scope;
  readonly lacking: Scope;
}[] = [
  {
    what: 'an evaluation that is held against the gate of a branch',
    path: '/v1/evaluations',
    body: { model: 'atlas', branch: 'main', probes: [{ prompt: 'France is' }], gate: true },
    little: 'evals:write',
    lacking: 'versions:rollback',
  },
  {
    what: 'edits with a gate of their own',
    path: '/v1/edit_jobs',
    body: { model: 'atlas', edits: [anEdit('France')], gate },
    little: 'edits:write',
    lacking: 'admin',
  },
  {
    what: 'an artefact of a file of the worker’s machine',
    path: '/v1/artefacts',
    body: { model: 'atlas', kind: 'second_moment', layers: [0], corpus: 'text.txt' },
    little: 'edits:write',
    lacking: 'admin',
  },
];

test.each(cases)('$what', async ({ path, body, little, lacking }) => {
  const weak = { token: await api.keyWith('models:read', little) };
  const enough = { token: await api.keyWith('models:read', little, lacking) };
  const refused = { status: 403, body: { code: 'missing_scope', details: { scope: lacking } } };
  expect(await api.post(path, body, weak)).toMatchObject(refused);
  const { id } = (await api.post(path, body, enough)).body;
  for (const verb of ['cancel', 'retry'] as const) {
    expect(await api.post(`/v1/jobs/${id}/${verb}`, {}, weak)).toMatchObject(refused);
    expect(await api.post(`/v1/jobs/${id}/${verb}`, {}, enough)).toMatchObject({ status: 200 });
  }
});

test('a schedule with a gate of its own', async () => {
  const weak = { token: await api.keyWith('models:read', 'edits:write') };
  const made = { name: 'gated', model: 'atlas', when_pending: 100, gate };
  const refused = { status: 403, body: { code: 'missing_scope', details: { scope: 'admin' } } };
  expect(await api.post('/v1/schedules', made, weak)).toMatchObject(refused);
  expect((await api.post('/v1/schedules', made)).status).toBe(201);
  const at = '/v1/schedules/gated';
  for (const verb of ['trigger', 'pause', 'resume'])
    expect(await api.post(`${at}/${verb}`, {}, weak)).toMatchObject(refused);
  for (const change of [{ gate: null }, { batch_size: 5 }])
    expect(await api.call('PATCH', at, { body: change, ...weak })).toMatchObject(refused);
  expect(await api.call('DELETE', at, weak)).toMatchObject(refused);
  for (const verb of ['trigger', 'pause', 'resume']) expect((await api.post(`${at}/${verb}`, {})).status).toBe(200);
  expect((await api.call('PATCH', at, { body: { gate: null } })).status).toBe(200);
  // Now it asks for nothing that edits do not.
  expect((await api.post(`${at}/trigger`, {}, weak)).status).toBe(200);
  expect((await api.call('DELETE', at, weak)).status).toBe(204);
});
