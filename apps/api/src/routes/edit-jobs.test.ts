// Submitting corrections: what is taken, what is refused and why, and that a refusal changes nothing.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let model: Awaited<ReturnType<ApiFixture['importModel']>>;
beforeAll(async () => {
  api = await openApi({ bodyLimit: 200_000 });
  model = await api.importModel('atlas');
});
afterAll(() => api.close());

const jsonl = (...lines: readonly (object | string)[]) =>
  lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');

test('a batch is queued once, with its place, its address and its wake-up', async () => {
  const before = await api.counts();
  const { status, body, headers } = await api.post('/v1/edit_jobs', {
    model: 'atlas',
    edits: [anEdit('France'), anEdit('Spain', { prompt: 'The capital of {} is' })],
    metadata: { ticket: '7' },
  });
  expect({ status, body }).toMatchObject({
    status: 202,
    body: {
      object: 'job',
      kind: 'edit',
      state: 'queued',
      model_id: model.id,
      branch: 'main',
      input: { editor: 'r-rome', config: {}, seed: 0, on_error: 'abort', edits: 2 },
      metadata: { ticket: '7' },
    },
  });
  expect(headers.location).toBe(`/v1/jobs/${body.id}`);
  const after = await api.counts();
  expect([Number(after.jobs) - Number(before.jobs), Number(after.edits) - Number(before.edits)]).toEqual([1, 2]);
  const edits = (await api.get(`/v1/jobs/${body.id}/edits`)).body.data;
  expect(edits.map(({ prompt }: { prompt: string }) => prompt)).toEqual([
    'The capital of France is',
    'The capital of Spain is',
  ]);
  expect(await api.dispatch.counts()).toEqual({ waiting: 1, active: 0 });
});

test('submissions do not wait for the engine that answers completions', async () => {
  expect((await api.post('/v1/edit_jobs', { model: 'atlas', dry_run: true, edits: [anEdit('Fiji')] })).status).toBe(
    200,
  );
  expect([api.engine.pid(), typeof api.tokenizers.pid()]).toEqual([undefined, 'number']);
});

test('lines come as a body of their own, with the other fields in the query', async () => {
  const config = encodeURIComponent('{"steps": 7}');
  const { status, body } = await api.call('POST', `/v1/edit_jobs?model=atlas&seed=3&editor=rome&config=${config}`, {
    headers: { 'content-type': 'application/x-ndjson' },
    body: jsonl(anEdit('Peru'), '', anEdit('Chile')),
  });
  expect({ status, input: body.input }).toMatchObject({
    status: 202,
    input: { editor: 'rome', seed: 3, config: { steps: 7 }, edits: 2 },
  });
});

test('a dry run says what would be queued and which active edits answer the same questions, and queues nothing', async () => {
  const branch = await api.post('/v1/models/atlas/branches', { name: 'dry' });
  await api.post('/v1/edit_jobs', { model: 'atlas', branch: 'dry', edits: [anEdit('Italy'), anEdit('Malta')] });
  const version = await api.carryOut(`branch:${branch.body.id}`);
  const before = await api.counts();
  const { status, body } = await api.post('/v1/edit_jobs', {
    model: 'atlas',
    branch: 'dry',
    dry_run: true,
    parent_version_id: version,
    edits: [
      anEdit('Italy', { target_new: ' Turin' }),
      anEdit('Malta', { target_new: ' lyon.' }),
      anEdit('Cuba', {
        rephrases: ["Cuba's seat of government"],
        locality: { neighbourhood: [{ prompt: 'The capital of Haiti is' }] },
      }),
    ],
  });
  expect({ status, body }).toMatchObject({
    status: 200,
    body: {
      object: 'edit_plan',
      branch: 'dry',
      parent_version_id: version,
      edits: 3,
      // As the editor's defaults have it for this model, nothing having been asked for.
      config: { layer: 0, second_moment: true },
      tokens: { total: 85, longest: 30, context: 96 },
      layouts: [
        // A token a byte: "The capital of Italy is" and " Turin".
        { custom_id: 'Italy', prompt_tokens: 23, target_tokens: 6, subject: { first: 15, last: 19 }, prompts: 1 },
        { custom_id: 'Malta', longest: 29 },
        { custom_id: 'Cuba', prompts: 3, longest: 30 },
      ],
      cost: { jobs: 0, seconds_per_edit: null, seconds: null },
      conflicts: [
        { custom_id: 'Italy', target_new: ' Turin', active_target: ' Lyon', same_answer: false },
        { custom_id: 'Malta', same_answer: true },
      ],
    },
  });
  expect(await api.counts()).toEqual(before);
});

test('a plan tells the median of what edits of this editor on this model took', async () => {
  const { body } = await api.post('/v1/models/atlas/branches', { name: 'costs' });
  for (const [seconds, country] of [
    [1, 'Iran'],
    [8, 'Iraq'],
    [4, 'Oman'],
  ] as const) {
    await api.post('/v1/edit_jobs', { model: 'atlas', branch: 'costs', editor: 'ft-m', edits: [anEdit(country)] });
    await api.carryOut(`branch:${body.id}`);
    await api.query(
      `UPDATE jobs SET summary = jsonb_build_object('edits', 2, 'already_holds', 0, 'seconds', jsonb_build_object('edit', $1::float, 'evaluate', 1))
       WHERE id = (SELECT max(id) FROM jobs WHERE branch_id = $2)`,
      [seconds, body.id],
    );
  }
  const plan = (editor: string) =>
    api.post('/v1/edit_jobs', { model: 'atlas', editor, dry_run: true, edits: [anEdit('Chad'), anEdit('Mali')] });
  expect((await plan('ft-m')).body.cost).toEqual({ jobs: 3, seconds_per_edit: 2.5, seconds: 5 });
  expect((await plan('ft-l')).body.cost).toEqual({ jobs: 0, seconds_per_edit: null, seconds: null });
});

test('the head may be named by the beginning of its id; one that the branch has left is stale, also in a dry run', async () => {
  const branch = await api.post('/v1/models/atlas/branches', { name: 'prefixes' });
  const send = (fields: object) =>
    api.post('/v1/edit_jobs', { model: 'atlas', branch: 'prefixes', edits: [anEdit('Togo')], ...fields });
  const queued = await send({ parent_version_id: branch.body.head.slice(0, 16) });
  expect([queued.status, queued.body.parent_version_id]).toEqual([202, branch.body.head]);
  await api.carryOut(`branch:${branch.body.id}`);
  for (const dry_run of [false, true]) {
    const { status, body } = await send({ parent_version_id: branch.body.head.slice(0, 16), dry_run });
    expect({ status, body }).toMatchObject({
      status: 409,
      body: { code: 'stale_parent', errors: [{ pointer: '/parent_version_id' }] },
    });
  }
  const listed = await api.get('/v1/edit_jobs?model=atlas&branch=prefixes');
  expect(listed.body.data.map(({ id }: { id: string }) => id)).toEqual([queued.body.id]);
  for (const list of ['edit_jobs', 'jobs']) {
    const garbage = await api.get(`/v1/${list}?after=garbage`);
    expect([garbage.status, garbage.body.errors[0].field]).toEqual([400, 'after']);
  }
});

test('a priority is kept with the job, with all shards of an evaluation, and with what a schedule submits', async () => {
  const submit = async (path: string, body: object) => (await api.post(path, { model: 'atlas', ...body })).body;
  const edits = [anEdit('Tonga')];
  expect(await submit('/v1/edit_jobs', { edits })).toMatchObject({ priority: 'normal' });
  expect(await submit('/v1/edit_jobs', { edits, priority: 'high' })).toMatchObject({ priority: 'high' });
  expect(await submit('/v1/edit_jobs', { edits, priority: 'urgent' })).toMatchObject({
    status: 400,
    errors: [{ pointer: '/priority' }],
  });
  const artefact = { kind: 'second_moment', layers: [0], priority: 'low' };
  expect(await submit('/v1/artefacts', artefact)).toMatchObject({ priority: 'low', input: { kind: 'second_moment' } });
  const probes = [{ prompt: 'The capital of Tonga is' }];
  const { id } = await submit('/v1/evaluations', { probes, priority: 'low' });
  const shards = (await api.get(`/v1/jobs?parent=${id}`)).body.data;
  expect([await api.get(`/v1/jobs/${id}`).then(({ body }) => body), ...shards]).toMatchObject([
    { kind: 'evaluation', priority: 'low' },
    { kind: 'evaluation_shard', priority: 'low' },
  ]);
  const { branch_id } = await submit('/v1/schedules', { name: 'nightly', cron: '0 3 * * *', priority: 'low' });
  await api.post(`/v1/branches/${branch_id}/inbox`, anEdit('Samoa'));
  const { run } = (await api.post('/v1/schedules/nightly/trigger', undefined)).body;
  expect((await api.get(`/v1/jobs/${run.job_id}`)).body).toMatchObject({ priority: 'low' });
});

test('a queue that is away does not fail the request: the job is in the database', async () => {
  const queueless = await openApi({}, { proxied: 'queue' });
  await queueless.importModel('atlas');
  await queueless.cut();
  const { status, body } = await queueless.post('/v1/edit_jobs', { model: 'atlas', edits: [anEdit('France')] });
  expect([status, body.state]).toEqual([202, 'queued']);
  const missing = async () => (await queueless.get('/readyz')).body.details?.missing;
  expect(await missing()).toEqual(['queue', 'worker']);
  await queueless.mend();
  await expect.poll(missing, { timeout: 60_000 }).toEqual(['worker']);
  await queueless.close();
});

describe('what is refused is named and leaves no trace', () => {
  const good = anEdit('France');
  const inBatch = (second: object | string) => ({ model: 'atlas', edits_jsonl: jsonl(good, second) });
  const withFields = (fields: object) => ({ model: 'atlas', edits: [good], ...fields });
  const cases: readonly (readonly [name: string, request: object, status: number, code: string, complaint: object])[] =
    [
      [
        'a line that is no JSON',
        inBatch('{"custom_id": '),
        400,
        'malformed_jsonl',
        { code: 'malformed_jsonl', line: 2 },
      ],
      ['a line that is no object', inBatch('[1]'), 422, 'invalid_edits', { code: 'invalid_request', line: 2 }],
      ['an unknown field of an edit', inBatch({ ...anEdit('b'), colour: 1 }), 422, 'invalid_edits', { line: 2 }],
      [
        'a custom_id used twice',
        inBatch({ ...anEdit('Spain'), custom_id: 'France' }),
        422,
        'invalid_edits',
        {
          code: 'duplicate_custom_id',
          line: 2,
          field: 'custom_id',
          message: 'custom_id "France" was already used on line 1',
        },
      ],
      [
        'a subject that is not in the prompt',
        inBatch(anEdit('Spain', { subject: 'Oslo' })),
        422,
        'invalid_edits',
        { code: 'subject_not_in_prompt', line: 2, field: 'subject' },
      ],
      [
        'an empty target',
        inBatch(anEdit('Spain', { target_new: '  ' })),
        422,
        'invalid_edits',
        { code: 'empty_target', line: 2, field: 'target_new' },
      ],
      [
        'an edit without the subject that the editor needs',
        inBatch(anEdit('Spain', { subject: null })),
        422,
        'invalid_edits',
        { code: 'subject_missing', line: 2, field: 'subject', message: expect.stringContaining('r-ROME') },
      ],
      [
        'an over-long target',
        inBatch(anEdit('Spain', { target_new: 'x'.repeat(4001) })),
        422,
        'invalid_edits',
        {
          code: 'target_too_long',
          line: 2,
          field: 'target_new',
          message: 'target_new has 4001 characters; 4000 are allowed',
        },
      ],
      [
        'a target that the model cannot read behind its prompt',
        inBatch(anEdit('Spain', { target_new: 'x'.repeat(80) })),
        422,
        'invalid_edits',
        {
          code: 'prompt_too_long',
          line: 2,
          field: 'prompt',
          custom_id: 'Spain',
          message: 'prompt and answer are 104 tokens; the model reads 96',
        },
      ],
      [
        'a probe that the model cannot read',
        {
          model: 'atlas',
          edits: [
            good,
            anEdit('Spain', {
              portability: { one_hop: [{ prompt: 'why '.repeat(25), target: 'so' }] },
              rephrases: ['Spain'],
            }),
          ],
        },
        422,
        'invalid_edits',
        { code: 'prompt_too_long', pointer: '/edits/1/portability/one_hop/0/prompt', custom_id: 'Spain' },
      ],
      [
        'a rephrase that leaves no room for its answer, in a dry run',
        { ...inBatch(anEdit('Spain', { rephrases: ['Spain', 'a'.repeat(95)] })), dry_run: true },
        422,
        'invalid_edits',
        { code: 'prompt_too_long', line: 2, field: 'rephrases.1' },
      ],
      [
        'two answers to one question',
        inBatch({ ...good, custom_id: 'again', target_new: ' Oslo' }),
        422,
        'invalid_edits',
        { code: 'contradictory_edits', line: 2, field: 'target_new' },
      ],
      [
        'control characters',
        inBatch(anEdit('Spain', { target_new: 'a\u0000' })),
        422,
        'invalid_edits',
        { code: 'control_characters', line: 2 },
      ],
      [
        'a prototype in an edit',
        inBatch('{"__proto__": {"x": 1}, "custom_id": "p", "prompt": "p s", "subject": "s", "target_new": "t"}'),
        422,
        'invalid_edits',
        { line: 2 },
      ],
      [
        'a bad edit among JSON edits',
        { model: 'atlas', edits: [good, anEdit('Spain', { target_new: '' })] },
        422,
        'invalid_edits',
        { code: 'empty_target', pointer: '/edits/1/target_new' },
      ],
      [
        'an unknown model',
        withFields({ model: 'atlantis' }),
        404,
        'unknown_model',
        { field: 'model', pointer: '/model' },
      ],
      [
        'an unknown branch',
        withFields({ branch: 'none' }),
        404,
        'unknown_branch',
        { field: 'branch', pointer: '/branch' },
      ],
      [
        'an unknown editor',
        withFields({ editor: 'rume' }),
        422,
        'unknown_editor',
        { field: 'editor', pointer: '/editor' },
      ],
      [
        'an unknown setting',
        withFields({ config: { stepz: 1 } }),
        422,
        'unknown_config_key',
        { field: 'stepz', pointer: '/config/stepz' },
      ],
      ['a setting out of range', withFields({ config: { steps: 0 } }), 422, 'invalid_config', { field: 'steps' }],
      [
        'a layer that the model lacks',
        withFields({ config: { layer: 2 } }),
        422,
        'invalid_config',
        { pointer: '/config/layer' },
      ],
      [
        'a parent that there is not',
        withFields({ parent_version_id: `ver_${'0'.repeat(64)}` }),
        404,
        'unknown_version',
        { field: 'parent_version_id', pointer: '/parent_version_id' },
      ],
      [
        'a parent of a dry run that there is not',
        withFields({ parent_version_id: 'ver_0', dry_run: true }),
        404,
        'unknown_version',
        { pointer: '/parent_version_id' },
      ],
      [
        'an empty parent',
        withFields({ parent_version_id: '' }),
        400,
        'invalid_request',
        { pointer: '/parent_version_id', message: 'parent_version_id is empty' },
      ],
      ['a level of no dry run', withFields({ level: 'compute' }), 400, 'invalid_request', { pointer: '/level' }],
      [
        'one JSON document over several lines',
        { model: 'atlas', edits_jsonl: JSON.stringify([good, anEdit('Spain')], null, 2) },
        400,
        'malformed_jsonl',
        { line: 1, message: 'this is one JSON document, not JSONL: write one object a line' },
      ],
      ['no edits', { model: 'atlas', edits: [] }, 400, 'invalid_request', { field: 'edits' }],
      ['neither kind of edits', { model: 'atlas' }, 400, 'invalid_request', { field: 'edits' }],
      ['both kinds of edits', withFields({ edits_jsonl: jsonl(good) }), 400, 'invalid_request', { field: 'edits' }],
      ['an unknown field', withFields({ colour: 1 }), 400, 'invalid_request', { field: 'colour', pointer: '/colour' }],
      [
        'a field of another type',
        withFields({ seed: 'one' }),
        400,
        'invalid_request',
        { pointer: '/seed', message: 'seed must be a number, not a string' },
      ],
      ['too many edits', { model: 'atlas', edits: Array(10_001).fill(0) }, 413, 'payload_too_large', {}],
      ['a body too large', { model: 'atlas', edits_jsonl: 'x'.repeat(200_000) }, 413, 'payload_too_large', {}],
    ];

  test.each(cases)('%s', async (_, request, status, code, complaint) => {
    const before = await api.counts();
    const answer = await api.post('/v1/edit_jobs', request, { headers: { 'idempotency-key': 'never kept' } });
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).toMatchObject({ status, code, request_id: answer.headers['x-request-id'], retryable: false });
    expect(answer.status).toBe(status);
    if (Object.keys(complaint).length > 0) expect(answer.body.errors[0]).toMatchObject(complaint);
    expect(await api.counts()).toEqual(before);
  });

  test('every bad line is named, not only the first', async () => {
    const { body } = await api.post('/v1/edit_jobs', {
      model: 'atlas',
      edits_jsonl: jsonl('{', good, anEdit('b', { target_new: '' }), '', 'nonsense'),
    });
    expect(body.errors.map(({ line, code }: { line: number; code: string }) => [line, code])).toEqual([
      [1, 'malformed_jsonl'],
      [3, 'empty_target'],
      [5, 'malformed_jsonl'],
    ]);
    expect(body.details).toEqual({ complaints: 3 });
  });

  test('prototype keys, broken JSON, another content type and bad query fields of lines', async () => {
    const before = await api.counts();
    const send = (contentType: string, body: string, query = '') =>
      api.call('POST', `/v1/edit_jobs${query}`, { headers: { 'content-type': contentType }, body });
    const answers = await Promise.all([
      send('application/json', '{"model": "atlas", "__proto__": {"admin": true}, "edits": []}'),
      send('application/json', '{"model": "atlas", "metadata": {"constructor": {"prototype": {}}}}'),
      send('application/json', '{"model": '),
      send('application/json', ''),
      send('text/csv', 'a,b'),
      send('application/x-ndjson', jsonl(good), '?model=atlas&seed=x'),
      send('application/x-ndjson', jsonl(good), '?model=atlas&colour=red'),
      send('application/x-ndjson', jsonl(good), '?model=atlas&config=%7B'),
      send('application/x-ndjson', jsonl(good)),
    ]);
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(Array(9).fill([400, 'invalid_request']));
    expect(await api.counts()).toEqual(before);
  });

  test('a gate of its own and a policy are for administrators', async () => {
    await api.post('/v1/models/atlas/branches', { name: 'production', protected: true });
    const token = await api.keyWith('edits:write', 'models:read');
    const before = await api.counts();
    const gate = { rules: [{ metric: 'locality', min: 0 }] };
    const refusals = await Promise.all([
      api.post('/v1/edit_jobs', withFields({ gate }), { token }),
      api.post('/v1/models/atlas/branches', { name: 'lax', gate }, { token }),
      api.post('/v1/models/atlas/branches', { name: 'mine', protected: true }, { token }),
      api.post('/v1/models/atlas/branches', { name: 'mine', approval: 'required' }, { token }),
      api.post('/v1/models/atlas/branches', { name: 'mine', auto_rollback: 'reset' }, { token }),
    ]);
    expect(refusals.map(({ body }) => body.code)).toEqual(Array(5).fill('missing_scope'));
    expect(await api.counts()).toEqual(before);
    expect((await api.post('/v1/edit_jobs', withFields({ gate, branch: 'production' }))).status).toBe(202);
  });
});
