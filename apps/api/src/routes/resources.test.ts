// Models, branches, versions, rollbacks, pages, and what every answer has in common.
import { versionId } from '@errata/contracts';
import { noteWorker } from '@errata/lineage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let model: Awaited<ReturnType<ApiFixture['importModel']>>;
beforeAll(async () => {
  api = await openApi();
  model = await api.importModel('atlas');
});
afterAll(() => api.close());

async function edit(branch: { name: string; lane: string }, ...customIds: readonly string[]) {
  const edits = customIds.map((id) => anEdit(id));
  const { body } = await api.post('/v1/edit_jobs', { model: 'atlas', branch: branch.name, edits });
  return { job: body.id as string, version: await api.carryOut(branch.lane) };
}

async function fork(name: string, from = 'main') {
  const { body } = await api.post('/v1/models/atlas/branches', { name, from });
  return { name, lane: `branch:${body.id}` };
}

test('models are listed as completion clients expect, and say what has been edited', async () => {
  const branch = await fork('listed');
  const { version } = await edit(branch, 'France');
  const { body } = await api.get('/v1/models');
  expect(body).toMatchObject({ object: 'list', has_more: false, next_cursor: null });
  const [listed, other] = body.data;
  expect(listed).toMatchObject({ id: 'atlas', model_id: model.id, object: 'model', owned_by: 'errata', edited: false });
  expect(listed).toMatchObject({ name: 'atlas', version: model.root });
  expect(other).toEqual({ ...listed, id: 'atlas@listed', version, edited: true });
  expect((await api.get('/v1/models/atlas@listed')).body).toEqual(other);
  expect((await api.get('/v1/models/atlas@none')).body.code).toBe('unknown_reference');
  expect(listed.created).toBe(Math.floor(Date.parse(listed.created_at) / 1000));
  expect(listed.branches).toEqual([
    { name: 'listed', head: version, edited: true },
    { name: 'main', head: model.root, edited: false },
  ]);
  expect((await api.get(`/v1/models/${model.id}`)).body).toEqual(listed);
  expect((await api.get('/v1/models/atlas')).body).toEqual(listed);
  expect((await api.get('/v1/models/none')).body.code).toBe('unknown_model');
});

test('an import is a job; a name that is taken is refused', async () => {
  const { status, body, headers } = await api.post('/v1/models', { name: 'other', path: '/models/other' });
  expect({ status, body }).toMatchObject({
    status: 202,
    body: { kind: 'import', state: 'queued', model_id: null, branch: null, input: { name: 'other' } },
  });
  expect(headers.location).toBe(`/v1/jobs/${body.id}`);
  const before = await api.counts();
  expect((await api.post('/v1/models', { name: 'atlas', path: '/m' })).body.code).toBe('name_taken');
  for (const name of ['Atlas', '../atlas', '', 'a b', 'a'.repeat(65)]) {
    const refused = await api.post('/v1/models', { name, path: '/m' });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([400, '/name']);
  }
  expect(await api.counts()).toEqual(before);
});

describe('branches', () => {
  test('are made from branches and versions, listed, read and deleted', async () => {
    const source = await fork('source');
    const { version } = await edit(source, 'Spain');
    const made = await api.post('/v1/models/atlas/branches', { name: 'copy', from: version, default_editor: 'memit' });
    expect(made.body).toMatchObject({ name: 'copy', head: version, default_editor: 'memit', protected: false });
    expect(made.headers.location).toBe('/v1/models/atlas/branches/copy');
    expect((await api.get(made.headers.location as string)).body).toEqual(made.body);
    const unknown = await api.post('/v1/models/atlas/branches', { name: 'lost', default_editor: 'ROMA' });
    expect(unknown.status).toBe(400);
    expect(unknown.body.errors).toMatchObject([
      { code: 'invalid_request', field: 'default_editor', message: expect.stringContaining('there are r-rome') },
    ]);
    const plain = await api.post('/v1/models/atlas/branches', { name: 'plain', from: 'copy' });
    expect(plain.body.default_editor).toBe('r-rome');
    const taken = await api.post('/v1/models/atlas/branches', { name: 'copy' });
    expect([taken.status, taken.body.code]).toEqual([409, 'name_taken']);
    for (const [from, code] of [
      ['nowhere', 'unknown_reference'],
      [`ver_${'0'.repeat(64)}`, 'unknown_version'],
    ]) {
      expect((await api.post('/v1/models/atlas/branches', { name: 'lost', from })).body.code).toBe(code);
    }
    const job = (await api.post('/v1/edit_jobs', { model: 'atlas', branch: 'copy', edits: [anEdit('Peru')] })).body.id;
    const deleted = await api.call('DELETE', '/v1/models/atlas/branches/copy');
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect((await api.get('/v1/models/atlas/branches/copy')).body.code).toBe('unknown_branch');
    expect((await api.get(`/v1/jobs/${job}`)).body.state).toBe('cancelled');
    expect((await api.get(`/v1/versions/${version}`)).status).toBe(200);
  });

  test('tell their history, newest first, with what is active now', async () => {
    const branch = await fork('told');
    const first = await edit(branch, 'Chad', 'Togo');
    const { body } = await api.get('/v1/models/atlas/branches/told/log');
    expect(body.data).toMatchObject([
      {
        sequence: 2,
        kind: 'edit',
        from_version: model.root,
        to_version: first.version,
        job_id: first.job,
        edits: [
          { custom_id: 'Chad', active: true },
          { custom_id: 'Togo', active: true },
        ],
      },
      { sequence: 1, kind: 'created', from_version: null, to_version: model.root, edits: [] },
    ]);
    const page = await api.get('/v1/models/atlas/branches/told/log?limit=1');
    expect(page.body.next_cursor).toBe('2');
    expect((await api.get('/v1/models/atlas/branches/told/log?limit=1&after=2')).body.data).toEqual(body.data.slice(1));
  });
});

test('versions name what they are made of, where they come from and how they differ', async () => {
  const branch = await fork('grown');
  const one = await edit(branch, 'Mali');
  const two = await edit(branch, 'Oman', 'Iran');
  const { body } = await api.get(`/v1/versions/${two.version}`);
  expect(body).toMatchObject({ id: two.version, model_id: model.id, parent_id: one.version, job_id: two.job });
  expect(body.depth).toBe(3);
  const { body: manifest } = await api.get(`/v1/versions/${two.version}/manifest`);
  expect(manifest.deltas).toHaveLength(3);
  expect(versionId(manifest)).toBe(two.version);
  expect((await api.get(`/v1/versions/${two.version.slice(0, 20)}`)).body).toEqual(body);

  const lineage = (await api.get(`/v1/versions/${two.version}/lineage`)).body;
  expect(lineage.data.map(({ id }: { id: string }) => id)).toEqual([two.version, one.version, model.root]);
  const start = (await api.get(`/v1/versions/${two.version}/lineage?limit=2`)).body;
  expect(start).toMatchObject({ has_more: true, next_cursor: one.version });
  const rest = (await api.get(`/v1/versions/${two.version}/lineage?limit=2&after=${one.version}`)).body;
  expect(rest).toEqual({ data: lineage.data.slice(2), has_more: false, next_cursor: null });

  const other = await edit(await fork('astray', one.version), 'Cuba');
  const diff = (await api.get(`/v1/versions/${two.version}/diff/${other.version}`)).body;
  const ids = (side: { edits: { custom_id: string }[] }[]) =>
    side.flatMap(({ edits }) => edits.map((e) => e.custom_id));
  expect([ids(diff.added), ids(diff.removed)]).toEqual([['Cuba'], ['Oman', 'Iran']]);
  const same = (await api.get(`/v1/versions/${two.version}/diff/${two.version}`)).body;
  expect([same.added, same.removed]).toEqual([[], []]);

  for (const path of ['ver_0', 'main', `ver_${'0'.repeat(64)}`, `${two.version}/diff/ver_0000`]) {
    const missing = await api.get(`/v1/versions/${path}`);
    expect([missing.status, missing.body.code]).toEqual([404, 'unknown_version']);
  }
  const foreign = await api.importModel('foreign');
  expect((await api.get(`/v1/versions/${two.version}/diff/${foreign.root}`)).body.code).toBe('invalid_request');
});

test('rollbacks are jobs; what cannot be done is refused at once', async () => {
  const branch = await fork('undone');
  const { version, job } = await edit(branch, 'Laos');
  const [{ id: editId }] = (await api.get(`/v1/jobs/${job}/edits`)).body.data;
  const target = { model: 'atlas', branch: 'undone', reason: 'wrong' };
  const queued = await api.post('/v1/rollbacks', { ...target, mode: 'reset', to_version: model.root });
  expect(queued.body).toMatchObject({ kind: 'rollback', state: 'queued', input: { mode: 'reset', reason: 'wrong' } });
  expect((await api.get(`/v1/rollbacks/${queued.body.id}`)).body).toEqual(queued.body);
  expect((await api.get(`/v1/rollbacks/${job}`)).body.code).toBe('unknown_job');
  expect((await api.get('/v1/rollbacks?model=atlas&branch=undone')).body.data).toEqual([queued.body]);

  const before = await api.counts();
  const refusals: readonly [object, string][] = [
    [{ mode: 'reset', to_version: `ver_${'0'.repeat(64)}` }, 'unknown_version'],
    [{ mode: 'reset' }, 'invalid_request'],
    [{ mode: 'exact', revert_edit_ids: ['edit_none'] }, 'unknown_edit'],
    [{ mode: 'subtract', to_version: version }, 'invalid_request'],
    [{ mode: 'reset', to_version: model.root, parent_version_id: model.root }, 'stale_parent'],
    [{ mode: 'reset', to_version: model.root, branch: 'none' }, 'unknown_branch'],
    [{ mode: 'reset', to_version: model.root, reason: '' }, 'invalid_request'],
    [{ mode: 'undo', to_version: model.root }, 'invalid_request'],
  ];
  for (const [request, code] of refusals) {
    expect((await api.post('/v1/rollbacks', { ...target, ...request })).body.code).toBe(code);
  }
  expect(await api.counts()).toEqual(before);
  expect((await api.post('/v1/rollbacks', { ...target, mode: 'exact', revert_edit_ids: [editId] })).status).toBe(202);
});

test('jobs are found by kind, state, model and branch, and read page by page', async () => {
  const branch = await fork('many');
  const ids: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    const edits = [anEdit(name), anEdit(`${name}2`)];
    ids.unshift((await api.post('/v1/edit_jobs', { model: 'atlas', branch: 'many', edits })).body.id);
  }
  const found = async (query: string) =>
    (await api.get(`/v1/jobs?model=atlas&branch=many${query}`)).body.data.map(({ id }: { id: string }) => id);
  expect(await found('')).toEqual(ids);
  expect(await found('&kind=edit&state=queued,running')).toEqual(ids);
  expect(await found('&state=succeeded')).toEqual([]);
  expect(await found('&kind=rollback')).toEqual([]);
  const page = (await api.get('/v1/jobs?model=atlas&branch=many&limit=2')).body;
  expect(page).toMatchObject({ has_more: true, next_cursor: ids[1] });
  expect(await found(`&limit=2&after=${page.next_cursor}`)).toEqual(ids.slice(2));

  await api.carryOut(branch.lane);
  const results = await api.get(`/v1/jobs/${ids[2]}/results`);
  expect(results.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  expect(
    results.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { position: 0, custom_id: 'a', result: { outcome: 'applied', answer_after: ' Lyon' } },
    { position: 1, custom_id: 'a2', result: { outcome: 'applied' } },
  ]);
  expect((await api.get(`/v1/jobs/${ids[0]}/results`)).text).toContain('"result":null');

  for (const query of ['?limit=0', '?limit=101', '?state=done', '?colour=red', '?branch=main', '?kind=party']) {
    const { status, body } = await api.get(`/v1/jobs${query}`);
    expect([query, status, body.code, body.errors.length]).toEqual([query, 400, 'invalid_request', 1]);
  }
});

test('artefacts are built by jobs; a corpus of its own is for administrators', async () => {
  const { status, body } = await api.post('/v1/artefacts', { model: 'atlas', kind: 'second_moment', layers: [1] });
  expect([status, body.kind, body.input.layers]).toEqual([202, 'artefact', [1]]);
  const token = await api.keyWith('edits:write', 'models:read');
  const request = { model: 'atlas', kind: 'second_moment', corpus: '/etc/passwd' };
  expect((await api.post('/v1/artefacts', request, { token })).body.code).toBe('missing_scope');
  for (const [fields, code] of [
    [{ editor: 'memit', layers: [1] }, 'invalid_request'],
    [{ editor: 'nobody' }, 'unknown_editor'],
    [{ ridge: 0 }, 'invalid_request'],
  ] as const)
    expect((await api.post('/v1/artefacts', { model: 'atlas', kind: 'second_moment', ...fields })).body.code).toBe(
      code,
    );
  expect((await api.get('/v1/artefacts?model=atlas')).body.data).toEqual([]);
  expect((await api.get('/v1/artefacts')).body.errors[0].field).toBe('model');
  expect((await api.get('/v1/artefacts/art_none')).body.code).toBe('not_found');
});

describe('every answer', () => {
  test('is not to be sniffed, framed, cached or run, and names its request', async () => {
    for (const path of ['/v1/models', '/v1/none', '/healthz']) {
      const { headers } = await api.get(path);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cache-control': 'no-store',
      });
      expect(headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
    }
    const forged = await api.get('/healthz', { headers: { 'x-request-id': 'mine', 'request-id': 'mine' } });
    expect(forged.headers['x-request-id']).not.toBe('mine');
  });

  test('to a path that is not there, or a verb it lacks, is a problem', async () => {
    const nowhere = await api.get('/v1/nothing/here');
    expect([nowhere.status, nowhere.body.code]).toEqual([404, 'not_found']);
    const verb = await api.call('PUT', '/v1/models/atlas');
    expect([verb.status, verb.body.code, verb.headers.allow]).toEqual([405, 'method_not_allowed', 'GET']);
    expect((await api.call('DELETE', '/v1/models')).headers.allow).toBe('GET, POST');
    expect((await api.get('/v1/models/%E0%A4%A')).status).toBe(400);
    expect((await api.get(`/v1/models/${'x'.repeat(1000)}`)).status).toBeLessThan(500);
  });

  test('to hostile names is quick and plain', async () => {
    for (const name of [
      "' OR 1=1 --",
      '../../etc/passwd',
      '__proto__',
      'constructor',
      '%00',
      '\u202e',
      'a'.repeat(200),
    ]) {
      const { status, body } = await api.get(`/v1/models/${encodeURIComponent(name)}`);
      expect([name, status === 404 || status === 400, body.retryable]).toEqual([name, true, false]);
    }
  });

  test('while the database is away asks to come back, and is right again when it is back', async () => {
    const proxied = await openApi({}, { proxied: 'database' });
    expect((await proxied.get('/v1/models')).status).toBe(200);
    await proxied.cut();
    for (let i = 0; i < 3; i += 1) {
      const { status, body, headers } = await proxied.get('/v1/models');
      expect([status, body.code, body.retryable, headers['retry-after']]).toEqual([503, 'unavailable', true, '1']);
    }
    expect((await proxied.get('/readyz')).status).toBe(503);
    const away = await proxied.get('/metrics');
    expect([away.status, /^errata_jobs\{/m.test(away.text)]).toEqual([200, false]);
    expect(away.text).toMatch(/^errata_database_up 0$/m);
    expect(away.text).toMatch(/^errata_api_request_seconds_count/m);
    await proxied.mend();
    expect((await proxied.get('/v1/models')).status).toBe(200);
    await proxied.close();
  });

  test('after a failure of ours says nothing of its cause', async () => {
    const broken = await openApi();
    await broken.lineage.close();
    const { status, body, text } = await broken.get('/v1/models');
    expect([status, body.code, body.retryable]).toEqual([500, 'internal', true]);
    expect(text).not.toMatch(/at |prisma|pool|\.ts/i);
    expect((await broken.get('/healthz')).status).toBe(200);
    expect((await broken.get('/readyz')).body).toMatchObject({ code: 'unavailable', status: 503 });
    await broken.close();
  });
});

test('health, readiness and metrics are open to all and tell nothing of content', async () => {
  expect((await api.get('/healthz', { token: null })).body).toEqual({ status: 'ok' });
  expect((await api.get('/readyz', { token: null })).body).toMatchObject({
    status: 503,
    detail: 'no worker has been heard of lately',
    details: { missing: ['worker'] },
  });
  await noteWorker(api.lineage, 'somebody', 60_000);
  expect((await api.get('/readyz', { token: null })).body).toEqual({ status: 'ready', workers: 1 });
  await noteWorker(api.lineage, 'somebody', 0);
  expect((await api.get('/readyz', { token: null })).status).toBe(503);
  const { text, headers } = await api.get('/metrics', { token: null });
  expect(headers['content-type']).toContain('text/plain');
  expect(text).toMatch(/^errata_database_up 1$/m);
  expect(text).toMatch(/^errata_jobs\{state="queued"\} [1-9]/m);
  expect(text).toMatch(/errata_api_request_seconds_count\{method="GET",route="\/v1\/models\/:model",status="200"\}/);
  expect(text).not.toContain('atlas');
});
