// Projects: made, changed, and what their quotas let through, with what is used and when there is room again.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const change = (project: string, body: object) => api.call('PATCH', `/v1/projects/${project}`, { body });
const edits = (model: string, many: number) => ({
  model,
  edits: Array.from({ length: many }, (_, index) => anEdit(`${index}`)),
});

/** A project of these quotas with a model of its own. */
async function openProject(name: string, quotas: object) {
  const model = await api.importModel(name);
  expect(await api.post('/v1/projects', { name, quotas })).toMatchObject({ status: 201, body: { name, models: 0 } });
  expect(await api.call('PUT', `/v1/projects/${name}/models/${name}`)).toMatchObject({ body: { models: 1 } });
  return model;
}

test('what was there is in the default project, which keeps its name and can be bounded', async () => {
  await api.importModel('first');
  const { body: found } = await api.get('/v1/projects/default');
  expect(found).toMatchObject({ models: 1, quotas: { open_jobs: null, edits_per_day: null } });
  expect((await api.get('/v1/models/first')).body.project_id).toBe(found.id);
  expect((await change('default', { name: 'other' })).body.code).toBe('invalid_request');
  expect((await change('default', { quotas: { open_jobs: 5 } })).body.quotas).toEqual({
    open_jobs: 5,
    edits_per_day: null,
  });
  expect((await change('default', { quotas: { open_jobs: null } })).body.quotas.open_jobs).toBeNull();
});

test('names are taken once, and unknown ones told', async () => {
  await api.post('/v1/projects', { name: 'taken' });
  expect((await api.post('/v1/projects', { name: 'taken' })).body.code).toBe('name_taken');
  expect((await change('default', { name: 'taken' })).status).toBe(400);
  expect((await change('taken', { name: 'default' })).body.code).toBe('name_taken');
  expect((await change('none', {})).body.code).toBe('unknown_project');
  expect((await api.call('PUT', '/v1/projects/taken/models/none')).body.code).toBe('unknown_model');
  expect((await api.post('/v1/models', { name: 'x', path: 'x', project: 'none' })).body.code).toBe('unknown_project');
});

test('edits a day: what does not fit is told how much is used and when there is room', async () => {
  const { lane } = await openProject('daily', { edits_per_day: 5 });
  expect((await api.post('/v1/edit_jobs', edits('daily', 6))).body).toMatchObject({
    status: 403,
    code: 'quota_exceeded',
    details: { project: 'daily', quota: 'edits_per_day', limit: 5, asked: 6 },
  });
  const first = await api.post('/v1/edit_jobs', edits('daily', 2));
  await api.post('/v1/edit_jobs', edits('daily', 2));
  await api.query(`UPDATE jobs SET created_at = created_at - interval '20 hours' WHERE id = $1`, [first.body.id]);
  await api.carryOut(lane);
  const before = await api.counts();
  const refused = await api.post('/v1/edit_jobs', edits('daily', 2));
  expect(refused).toMatchObject({
    status: 429,
    body: { code: 'quota_used_up', retryable: true, details: { used: 4, limit: 5, asked: 2 } },
  });
  expect(await api.counts()).toEqual(before);
  const frees = Date.parse(refused.body.details.frees_at);
  expect(frees).toBe(Date.parse(first.body.created_at) + 4 * 3_600_000);
  expect(Math.abs(Number(refused.headers['retry-after']) - (frees - Date.now()) / 1000)).toBeLessThan(60);
  expect(refused.body.detail).toContain(refused.body.details.frees_at);
  expect((await api.post('/v1/edit_jobs', edits('daily', 1))).status).toBe(202);
  expect((await api.get('/v1/projects/daily')).body.usage).toMatchObject({ edits_per_day: 5, open_jobs: 2 });
  await api.query(`UPDATE jobs SET created_at = created_at - interval '5 hours' WHERE id = $1`, [first.body.id]);
  expect((await api.post('/v1/edit_jobs', edits('daily', 2))).status).toBe(202);
});

test('open jobs: there is room when one ends, of those who come at once only so many get it, and an import is one', async () => {
  await openProject('busy', { open_jobs: 2 });
  const all = await Promise.all(Array.from({ length: 5 }, () => api.post('/v1/edit_jobs', edits('busy', 1))));
  expect(all.map(({ status }) => status).sort()).toEqual([202, 202, 429, 429, 429]);
  const imported = { name: 'busier', path: 'x', project: 'busy' };
  expect((await api.post('/v1/models', imported)).body).toMatchObject({
    code: 'quota_used_up',
    details: { quota: 'open_jobs', used: 2, retry_after_seconds: 10, frees_at: null },
  });
  const { id } = all.find(({ status }) => status === 202)!.body;
  await api.post(`/v1/jobs/${id}/cancel`, {});
  expect((await api.post('/v1/models', imported)).status).toBe(202);
  expect((await api.post(`/v1/jobs/${id}/retry`, {})).body.code).toBe('quota_used_up');
});
