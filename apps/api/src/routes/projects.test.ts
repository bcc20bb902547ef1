// Projects: made, changed, and what their quotas let through, with what is used and when there is room again.
import { noteTokens } from '@errata/lineage';
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
  expect(found).toMatchObject({ models: 1, quotas: { open_jobs: null, tokens_per_day: null } });
  expect((await api.get('/v1/models/first')).body.project_id).toBe(found.id);
  expect((await change('default', { name: 'other' })).body.code).toBe('invalid_request');
  expect((await change('default', { quotas: { open_jobs: 5 } })).body.quotas).toMatchObject({
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
  const { lane, id } = await openProject('daily', { edits_per_day: 5 });
  expect((await api.post('/v1/edit_jobs', edits('daily', 6))).body).toMatchObject({
    status: 403,
    code: 'quota_exceeded',
    details: { project: 'daily', quota: 'edits_per_day', limit: 5, asked: 6 },
  });
  await api.post('/v1/edit_jobs', edits('daily', 2));
  /** As if all had been asked for so much earlier. */
  const goBack = async (hours: number) => {
    await api.query(`UPDATE jobs SET created_at = created_at - $1 * interval '1 hour' WHERE model_id = $2`, [
      hours,
      id,
    ]);
    await api.query(`UPDATE asked_edits SET since = since - $1 * interval '1 hour' WHERE model_id = $2`, [hours, id]);
  };
  await goBack(20);
  const [{ since }] = (await api.query('SELECT since FROM asked_edits WHERE model_id = $1', [id])) as [{ since: Date }];
  await api.post('/v1/edit_jobs', edits('daily', 2));
  await api.carryOut(lane);
  const before = await api.counts();
  const refused = await api.post('/v1/edit_jobs', edits('daily', 2));
  expect(refused).toMatchObject({
    status: 429,
    body: { code: 'quota_used_up', retryable: true, details: { used: 4, limit: 5, asked: 2 } },
  });
  expect(await api.counts()).toEqual(before);
  const frees = Date.parse(refused.body.details.frees_at);
  // A day after the ten minutes in which they were asked for.
  expect(frees).toBe(since.getTime() + 24 * 3_600_000 + 600_000);
  expect(Math.abs(Number(refused.headers['retry-after']) - (frees - Date.now()) / 1000)).toBeLessThan(60);
  expect(refused.body.detail).toContain(refused.body.details.frees_at);
  expect((await api.post('/v1/edit_jobs', edits('daily', 1))).status).toBe(202);
  expect((await api.get('/v1/projects/daily')).body.usage).toMatchObject({ edits_per_day: 5, open_jobs: 2 });
  await goBack(5);
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

test('storage: what stores is refused once the room is used, going back is not, and it is the quota that has to give', async () => {
  const { id, root } = await openProject('full', { storage_mib: 2 });
  expect((await api.get('/v1/projects/full')).body.usage.storage_mib).toBe(1);
  await api.query(
    `INSERT INTO artefacts (id, model_id, kind, scope, parameters, parameters_digest, blob, bytes)
     VALUES ('art_1', $1, 'second_moment', 'layer 1', '{}', 'x', 'x', 1048576)`,
    [id],
  );
  const artefact = { model: 'full', kind: 'second_moment', layers: [0] };
  for (const [path, body] of [
    ['/v1/edit_jobs', edits('full', 1)],
    ['/v1/artefacts', artefact],
    ['/v1/models', { name: 'fuller', path: 'x', project: 'full' }],
  ] as const)
    expect((await api.post(path, body)).body).toMatchObject({
      status: 403,
      code: 'quota_exceeded',
      details: { project: 'full', quota: 'storage_mib', used: 2, limit: 2 },
    });
  const trial = { ...edits('full', 1), dry_run: true, level: 'compute' };
  expect((await api.post('/v1/edit_jobs', trial)).status).toBe(202);
  const back = { model: 'full', mode: 'reset', to_version: root, reason: 'x' };
  expect((await api.post('/v1/rollbacks', back)).body.code).not.toBe('quota_exceeded');
  await change('full', { quotas: { storage_mib: 3 } });
  expect((await api.post('/v1/edit_jobs', edits('full', 1))).status).toBe(202);
});

test('tokens a day: what was generated counts by the hour, and completions are refused until it is a day old', async () => {
  await openProject('talker', { tokens_per_day: 100 });
  const { id, name, quotas } = (await api.get('/v1/projects/talker')).body;
  await Promise.all([60, 30, 10].map((tokens) => noteTokens(api.lineage, { id, name, quotas }, tokens)));
  await api.query(`UPDATE generated_tokens SET hour = hour - interval '3 hours'`);
  await noteTokens(api.lineage, { id, name, quotas }, 7);
  expect((await api.get('/v1/projects/talker')).body.usage.tokens_per_day).toBe(107);
  const [{ hour }] = (await api.query('SELECT min(hour) AS hour FROM generated_tokens')) as [{ hour: Date }];
  for (const model of ['talker', `talker@${(await api.get('/v1/models/talker')).body.version}`])
    expect((await api.post('/v1/completions', { model, prompt: 'x' })).body).toMatchObject({
      status: 429,
      code: 'quota_used_up',
      details: {
        quota: 'tokens_per_day',
        used: 107,
        frees_at: new Date(hour.getTime() + 24 * 3_600_000).toISOString(),
      },
    });
  await api.query(`UPDATE generated_tokens SET hour = hour - interval '22 hours' WHERE tokens = 100`);
  expect((await api.get('/v1/projects/talker')).body.usage.tokens_per_day).toBe(7);
});
