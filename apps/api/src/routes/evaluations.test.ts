// Evaluations and searches over HTTP: what is refused, what is queued, how results are read. The work itself is tested with the worker.
import { type CaseResult, describeCase, isTerminal, type JobResource, noCost } from '@errata/contracts';
import {
  commitEvaluation,
  commitShard,
  evaluationLane,
  lanesOfShards,
  moveJob,
  readCases,
  recordResults,
  releaseLease,
  type StoredCase,
} from '@errata/lineage';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let errata: ErrataClient;
let root: string;
let lane: string;
let edited: string;
beforeAll(async () => {
  api = await openApi();
  ({ root, lane } = await api.importModel('tiny'));
  const address = await api.app.listen({ port: 0, host: '127.0.0.1' });
  errata = createErrata({ baseUrl: address, apiKey: api.key });
  await errata.editJobs.create({ model: 'tiny', edits: [anEdit('France'), anEdit('Spain')] });
  edited = await api.carryOut(lane);
});
afterAll(() => api.close());

const answered = ({ result: _, ...placed }: StoredCase): CaseResult => ({
  ...describeCase(placed),
  outcome: 'measured',
  error: null,
  answer_before: 'Paris',
  answer_after: placed.position === 0 ? '=Lyon, "the" city' : 'Paris',
  changed: placed.position === 0,
  measures: [{ metric: 'locality.token', version: 1, value: 0.5, before: null, count: 1 }],
  regressions: [],
});

/** What a worker does of an evaluation's shards. */
async function workShards(id: string, found: (stored: StoredCase) => CaseResult = answered): Promise<void> {
  for (const shard of await lanesOfShards(api.lineage, id)) {
    const { lease, job } = await api.take(shard);
    await moveJob(api.lineage, lease, job.id, 'running', 'evaluating');
    const cases = await readCases(api.lineage, id, job.input as { from: number; to: number });
    await recordResults(api.lineage, lease, { job, results: cases.map(found), cost: noCost });
    await moveJob(api.lineage, lease, job.id, 'evaluating', 'committing');
    await commitShard(api.lineage, lease, job.id);
    await releaseLease(api.lineage, lease);
  }
}

/** What a worker does when all shards have ended. */
async function conclude(id: string): Promise<void> {
  const { lease } = await api.take(evaluationLane(id));
  await moveJob(api.lineage, lease, id, 'running', 'committing');
  const none = { token: 0, all: 0, exact: 0, count: 0 };
  const score = { before: none, after: none };
  await commitEvaluation(api.lineage, lease, {
    jobId: id,
    outcome: 'succeeded',
    summary: {
      ...{
        edits: 2,
        applied: 0,
        already_holds: 0,
        measured: 2,
        reliability: score,
        generalization: null,
        locality: null,
      },
      ...{ locality_by_kind: {}, portability_by_kind: {}, delta_norm: null, perplexity: null },
      seconds: { edit: 0, evaluate: 1 },
    },
    result: {
      ...{ digest: 'd', measured: 2, failed: 0, changed: 0, metrics: {}, run_metrics: {}, places: [] },
      ...{ cost: noCost, gate_values: {} },
    },
    report: '',
    unasked: [],
  });
  await releaseLease(api.lineage, lease);
}

const anItem = { kind: 'multiple_choice', id: 'wet', question: 'What is wet?', options: ['sea', 'sand'], answer: 0 };

test('an evaluation from its request to its rows', async () => {
  const probes_jsonl = '{"prompt": "Paris is", "target": "in France"}\n\n{"prompt": "Rome is", "custom_id": "rome"}\n';
  const job = await errata.evaluations.create({
    model: 'tiny',
    branch: 'main',
    probes_jsonl,
    metadata: { why: 'try' },
  });
  expect(job).toMatchObject({ kind: 'evaluation', state: 'waiting', version_id: edited, parent_version_id: root });
  expect(await errata.evaluations.get(job.id)).toMatchObject({
    object: 'evaluation',
    branch: 'main',
    version_id: edited,
    against: { kind: 'parent', version_id: root },
    suite: { source: 'probes', name: null, digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    cases: { total: 2, measured: 0, failed: 0 },
    shards: { total: 1, running: 0, ended: 0 },
    summary: null,
    outcome: null,
    metadata: { why: 'try' },
  });
  expect(await errata.evaluations.rows(job.id).all()).toEqual([]);
  await workShards(job.id);
  const rows = await errata.evaluations.rows(job.id, { limit: 1 }).all();
  expect(rows.map(({ custom_id, answer_after }) => [custom_id, answer_after])).toEqual([
    ['1', '=Lyon, "the" city'],
    ['rome', 'Paris'],
  ]);
  expect((await errata.evaluations.rows(job.id, { changed: false }).all()).map(({ case_id }) => case_id)).toEqual([
    'rome',
  ]);
  // A cell that a spreadsheet would take for a formula is made a text.
  expect((await errata.evaluations.csv(job.id)).split('\r\n')).toEqual([
    'position,case_id,custom_id,kind,outcome,error,prompt,target,answer_before,answer_after,changed,locality.token before,locality.token',
    `0,1,1,probe,measured,,Paris is,in France,Paris,"'=Lyon, ""the"" city",true,,0.5`,
    '1,rome,rome,probe,measured,,Rome is,,Paris,Paris,false,,0.5',
    '',
  ]);
  expect(await errata.jobs.get(job.id)).toMatchObject({ state: 'queued' });
  expect((await errata.evaluations.list({ model: 'tiny', version: edited }).all()).map(({ id }) => id)).toEqual([
    job.id,
  ]);
  const shards = await errata.jobs.list({ parent: job.id }).all();
  expect(shards).toMatchObject([{ kind: 'evaluation_shard', state: 'succeeded', parent_job_id: job.id }]);
  expect((await errata.jobs.list({ kind: 'evaluation_shard' }).all()).length).toBe(0);
});

test('an evaluation reads edits, and suites off the lineage, of any version', async () => {
  const suites = [
    { body: { suite: 'applied' }, total: 2 },
    { body: { suite: 'difference', against: root }, total: 2 },
    { body: { edits: [anEdit('Italy')], version: root, against: edited }, total: 1 },
    { body: { edits_jsonl: JSON.stringify(anEdit('Italy')), against: 'base' }, total: 1 },
    { body: { probes: [{ prompt: 'x' }, { prompt: 'y' }, { prompt: 'z' }] }, total: 3 },
    { body: { edits: [anEdit('Italy')], probes: [{ prompt: 'x' }, anItem] }, total: 3 },
  ];
  for (const { body, total } of suites) {
    const { status, headers, body: job } = await api.post('/v1/evaluations', { model: 'tiny', ...body });
    expect({ status, location: headers.location }).toEqual({ status: 202, location: `/v1/jobs/${job.id}` });
    expect((await errata.evaluations.get(job.id)).cases.total).toBe(total);
  }
});

test('how many edits of a version hold is read off the last evaluation of all of them', async () => {
  const none = { evaluation: null, edits: 0, held: 0, failed: 0, slices: [] };
  expect(await errata.versions.retention(root)).toMatchObject({ object: 'retention', version_id: root, ...none });
  const { id } = await errata.evaluations.create({ model: 'tiny', suite: 'applied' });
  expect(await errata.versions.retention(edited)).toMatchObject(none);
  const exact = (value: number) => ({ metric: 'reliability.exact', version: 1, value, before: 0, count: 1 });
  await workShards(id, (stored) => ({
    ...answered(stored),
    measures: [exact(stored.position), { ...exact(1), metric: 'reliability.token' }],
  }));
  await conclude(id);
  expect(await errata.versions.retention(edited)).toMatchObject({
    evaluation: { id, at: expect.any(String) },
    ...{ edits: 2, held: 1, failed: 0 },
    slices: [
      { from: 1, to: 1, edits: 1, held: 0 },
      { from: 2, to: 2, edits: 1, held: 1 },
    ],
  });
});

test('an editor is evaluated by a protocol, against the version it edits', async () => {
  const edits = Array.from({ length: 40 }, (_, index) => anEdit(`Town ${index}`));
  const protocol = { kind: 'batch', size: 10 } as const;
  const job = await errata.evaluations.create({ model: 'tiny', edits, editor: 'ft-m', config: { layer: 1 }, protocol });
  expect(await errata.evaluations.get(job.id)).toMatchObject({
    version_id: edited,
    against: { kind: 'version', version_id: edited },
    editor: { name: 'ft-m', config: { layer: 1 }, seed: 0, protocol },
    cases: { total: 40 },
    shards: { total: 2 },
  });
  const stream = { model: 'tiny', version: root, suite: 'difference', against: edited, editor: 'grace' } as const;
  const lifelong = await errata.evaluations.create({ ...stream, protocol: { kind: 'lifelong' } });
  expect(await errata.evaluations.get(lifelong.id)).toMatchObject({
    against: { kind: 'version', version_id: root },
    editor: { protocol: { kind: 'lifelong', batch: 1 } },
    // Each right after it was made, the first again after 1, both at the end; the model's own text after 1 and at the end.
    cases: { total: 7 },
    shards: { total: 1 },
  });
});

test('a request that cannot be carried out says where it is wrong, and leaves nothing', async () => {
  const before = await api.counts();
  const refusals: readonly (readonly [object, number, string, object?])[] = [
    [{}, 400, 'invalid_request', { pointer: '/suite' }],
    [{ suite: 'applied', probes: [] }, 400, 'invalid_request', { pointer: '/suite' }],
    [{ suite: 'mine' }, 404, 'not_found'],
    [{ probes: [] }, 400, 'invalid_request'],
    [{ suite: 'applied', version: root }, 400, 'invalid_request'],
    [{ probes_jsonl: '{"prompt": "a"}\n{"prompt": 1}' }, 422, 'invalid_edits', { line: 2, field: 'prompt' }],
    [{ edits_jsonl: 'no' }, 400, 'malformed_jsonl', { line: 1 }],
    [{ suite: 'applied', shards: 65 }, 400, 'invalid_request', { pointer: '/shards' }],
    [{ suite: 'applied', branch: 'none' }, 404, 'unknown_branch'],
    [{ suite: 'applied', against: 'ver_ffff' }, 404, 'unknown_version'],
    [{ suite: 'applied', against: 'grandparent' }, 404, 'unknown_version'],
    [{ suite: 'applied', model: 'none' }, 404, 'unknown_model'],
    [{ suite: 'applied', editor: 'nobody' }, 422, 'unknown_editor'],
    [{ suite: 'applied', editor: 'ft-m', config: { colour: 'red' } }, 422, 'unknown_config_key'],
    [{ suite: 'applied', protocol: { kind: 'single' } }, 400, 'invalid_request', { pointer: '/protocol' }],
    [{ suite: 'applied', editor: 'ft-m', protocol: { kind: 'efficiency' } }, 400, 'invalid_request'],
    [{ suite: 'applied', editor: 'ft-m', against: 'base' }, 400, 'invalid_request', { pointer: '/against' }],
    [{ suite: 'applied', editor: 'ft-m', gate: true }, 400, 'invalid_request', { pointer: '/gate' }],
    [{ probes: [{ prompt: 'x' }], editor: 'ft-m' }, 400, 'invalid_request', { pointer: '/editor' }],
    [{ edits: [anEdit('Italy')], probes: [anItem], editor: 'ft-m' }, 400, 'invalid_request', { pointer: '/protocol' }],
    [{ probes: [{ ...anItem, id: 'x' }], probes_jsonl: '' }, 400, 'invalid_request', { pointer: '/probes_jsonl' }],
    [
      { edits: [anEdit('Italy')], probes: [{ ...anItem, id: anEdit('Italy').custom_id }] },
      400,
      'invalid_request',
      { pointer: '/probes' },
    ],
    [{ probes: [{ ...anItem, answer: 2 }] }, 422, 'invalid_edits', { pointer: '/probes/0/answer', field: 'answer' }],
    [{ probes: [{ ...anItem, kind: 'riddle' }] }, 422, 'invalid_edits', { pointer: '/probes/0/kind' }],
  ];
  for (const [fields, status, code, complaint] of refusals) {
    const answer = await api.post('/v1/evaluations', { model: 'tiny', ...fields });
    expect({ fields, status: answer.status, code: answer.body.code }).toEqual({ fields, status, code });
    if (complaint !== undefined) expect(answer.body.errors[0]).toMatchObject(complaint);
  }
  expect(await api.counts()).toEqual(before);
  const job = await errata.rollbacks.create({
    model: 'tiny',
    mode: 'reset',
    to_version: root,
    reason: 'no evaluation',
  });
  await expect(errata.evaluations.get(job.id)).rejects.toMatchObject({ code: 'unknown_job' });
  await expect(errata.evaluations.rows('job_none').all()).rejects.toMatchObject({ code: 'unknown_job' });
});

test('cancelling and retrying go by the evaluation, not by its shards; a key makes it once', async () => {
  const body = { model: 'tiny', suite: 'applied' };
  const [job, again] = await Promise.all([
    errata.evaluations.create(body, { idempotencyKey: 'once' }),
    errata.evaluations.create(body, { idempotencyKey: 'once' }),
  ]);
  expect(again.id).toBe(job.id);
  const [shard] = await errata.jobs.list({ parent: job.id }).all();
  await expect(errata.jobs.cancel(shard!.id)).rejects.toMatchObject({ code: 'not_cancellable', status: 409 });
  expect(await errata.jobs.cancel(job.id)).toMatchObject({ state: 'cancelled' });
  expect((await errata.jobs.get(shard!.id)).state).toBe('cancelled');
  expect(await errata.jobs.retry(job.id)).toMatchObject({ state: 'waiting' });
  const seen: string[] = [];
  const end = new AbortController();
  const watching = errata.jobs
    .wait(job.id, {
      signal: end.signal,
      onEvent: ({ type, state }) => {
        seen.push(type);
        if (type === 'queued' && !isTerminal(state)) end.abort(new Error('seen enough'));
      },
    })
    .catch(() => {});
  await workShards(job.id);
  await watching;
  expect(seen).toEqual(['waiting', 'cancelled', 'waiting', 'progress', 'queued']);
  expect((await api.take(evaluationLane(job.id))).job.id).toBe(job.id);
});

test('searches are queued as jobs and read as what they are', async () => {
  const bisection = await errata.bisections.create({ model: 'tiny', probe: { prompt: 'Oz is' }, bad: edited });
  expect(bisection).toMatchObject({ kind: 'bisect', state: 'queued', branch: 'main' });
  expect(await errata.bisections.get(bisection.id)).toMatchObject({
    object: 'bisection',
    mode: 'changed',
    good: 1,
    bad: 2,
    result: null,
  });
  const blame = await errata.blame.create({ model: 'tiny', version: edited.slice(0, 20), prompt: 'Oz is' });
  expect(await errata.blame.get(blame.id)).toMatchObject({ object: 'blame', version_id: edited, exhaustive: false });
  const ids = (jobs: readonly Pick<JobResource, 'id'>[]) => jobs.map(({ id }) => id);
  expect(ids(await errata.bisections.list({ model: 'tiny' }).all())).toEqual([bisection.id]);
  expect(ids(await errata.blame.list().all())).toEqual([blame.id]);
  await expect(errata.blame.get(bisection.id)).rejects.toMatchObject({ code: 'unknown_job' });
  expect(await errata.jobs.cancel(blame.id)).toMatchObject({ state: 'cancelled' });

  const bad = async (fields: object) => (await api.post('/v1/bisections', { model: 'tiny', ...fields })).body.code;
  expect(await bad({ probe: { prompt: 'Oz is' }, mode: 'target' })).toBe('invalid_request');
  expect(await bad({ probe: { prompt: 'Oz is' }, good: 2, bad: 2 })).toBe('unknown_version');
  expect(await bad({ probe: { prompt: 'Oz is' }, good: 0 })).toBe('invalid_request');
  const reader = await api.keyWith('models:read', 'edits:write');
  expect((await api.post('/v1/blame', { model: 'tiny', prompt: 'x' }, { token: reader })).body.code).toBe(
    'missing_scope',
  );
});

test('suites are stored once, read in pages and asked by name', async () => {
  const given = {
    name: 'capitals',
    description: 'what must stay',
    probes: [{ prompt: 'Rome is' }, anItem],
  };
  const { status, headers, body } = await api.post('/v1/suites', given);
  expect({ status, location: headers.location }).toEqual({ status: 201, location: '/v1/suites/capitals' });
  expect(await errata.suites.create(given)).toEqual(body);
  expect(await errata.suites.get('capitals')).toEqual(body);
  expect(await errata.suites.list().all()).toEqual([body]);
  const cases = await errata.suites.cases('capitals', { limit: 1 }).all();
  expect(cases).toMatchObject([{ custom_id: '1', kind: 'probe', prompt: 'Rome is', target: null }, {}]);
  expect(cases[1]).toEqual({
    ...{ position: 1, custom_id: 'wet', kind: 'multiple_choice', prompt: 'What is wet?', target: 'sea', given: anItem },
  });
  const job = await errata.evaluations.create({ model: 'tiny', suite: 'capitals' });
  const { suite } = await errata.evaluations.get(job.id);
  expect(suite).toEqual({ source: 'stored', name: 'capitals', digest: body.digest });
  await expect(errata.suites.create({ name: 'capitals', probes: [{ prompt: 'x' }] })).rejects.toMatchObject({
    code: 'name_taken',
  });
  await expect(errata.suites.create({ name: 'none' })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(errata.suites.cases('none').all()).rejects.toMatchObject({ code: 'not_found' });
  await expect(errata.evaluations.report(job.id)).rejects.toMatchObject({ code: 'not_found' });
  await expect(errata.comparisons.create({ one: job.id, other: job.id })).rejects.toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: '/one', message: expect.stringContaining('is waiting') }],
  });
  await expect(errata.comparisons.create({ one: 'job_x', other: job.id })).rejects.toMatchObject({
    code: 'unknown_job',
  });
  expect(await errata.comparisons.list().all()).toEqual([]);
});
