// Schedules over HTTP: what is taken, what is refused and where, and what a delivery sets off.
import { nextDue } from '@errata/contracts';
import { schedulesToRun } from '@errata/lineage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
let model: Awaited<ReturnType<ApiFixture['importModel']>>;
beforeAll(async () => {
  api = await openApi();
  model = await api.importModel('atlas');
});
afterAll(() => api.close());

const nightly = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  model: 'atlas',
  cron: '0 3 * * *',
  time_zone: 'Europe/Berlin',
  ...more,
});
const patch = (name: string, body: unknown, token?: string) =>
  api.call('PATCH', `/v1/schedules/${name}`, { body, ...(token === undefined ? {} : { token }) });
const inbox = () => `/v1/branches/${model.branch}/inbox`;

test('a schedule is created with every default told, listed, found by name and id', async () => {
  const created = await api.post('/v1/schedules', nightly('first', { metadata: { team: 'facts' } }));
  expect(created).toMatchObject({
    status: 201,
    headers: { location: `/v1/schedules/${created.body.id}` },
    body: {
      object: 'schedule',
      name: 'first',
      model_id: model.id,
      branch: 'main',
      branch_id: model.branch,
      when_pending: null,
      batch_size: 100,
      order: 'arrival',
      group_by_subject: true,
      on_contradiction: 'newest_wins',
      overlap: 'skip',
      catch_up_seconds: 3600,
      budget: {},
      editor: null,
      config: {},
      on_error: 'continue',
      gate: null,
      paused: false,
      pending: 0,
      last_run: null,
      metadata: { team: 'facts' },
    },
  });
  expect(Date.parse(created.body.next_due_at)).toBeGreaterThan(Date.now());
  for (const key of ['first', created.body.id])
    expect((await api.get(`/v1/schedules/${key}`)).body).toEqual(created.body);
  expect((await api.get('/v1/schedules?model=atlas&branch=main')).body.data).toEqual([created.body]);
});

test('fifty creations of one name at once make one schedule, and fifty changes at once leave one of them, whole', async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => api.post('/v1/schedules', nightly('crowd'))));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(answers.filter(({ body }) => body.code === 'name_taken')).toHaveLength(49);
  const changes = Array.from({ length: 50 }, (_, minute) => patch('crowd', { cron: `${minute} 4 * * *` }));
  expect(new Set((await Promise.all(changes)).map(({ status }) => status))).toEqual(new Set([200]));
  const { cron, next_due_at } = (await api.get('/v1/schedules/crowd')).body;
  const due = nextDue({ pattern: cron, time_zone: 'Europe/Berlin' }, new Date());
  expect(next_due_at).toBe(due?.toISOString());
  await api.call('DELETE', '/v1/schedules/crowd');
});

describe('refusals', () => {
  const refused = [
    [
      'neither cron nor a number',
      { name: 'x', model: 'atlas' },
      { code: 'invalid_request', errors: [{ pointer: '/cron' }] },
    ],
    ['a cron that is none', nightly('x', { cron: '61 * * * *' }), { errors: [{ pointer: '/cron' }] }],
    ['a cron that is never due', nightly('x', { cron: '0 0 31 2,4 *' }), { errors: [{ pointer: '/cron' }] }],
    ['no such time zone', nightly('x', { time_zone: 'Mars/Base' }), { errors: [{ pointer: '/time_zone' }] }],
    ['an unknown field', nightly('x', { every: 5 }), { errors: [{ pointer: '/every' }] }],
    [
      'a budget of nothing',
      nightly('x', { budget: { edits_per_day: 0 } }),
      { errors: [{ pointer: '/budget/edits_per_day' }] },
    ],
    ['an unknown model', nightly('x', { model: 'none' }), { code: 'unknown_model' }],
    ['an unknown branch', nightly('x', { branch: 'none' }), { code: 'unknown_branch' }],
    ['an unknown editor', nightly('x', { editor: 'none' }), { code: 'unknown_editor' }],
    ['a setting the editor lacks', nightly('x', { config: { stepz: 1 } }), { code: 'unknown_config_key' }],
  ] as const;
  test.each(refused)('%s', async (_, body, problem) => {
    const answer = await api.post('/v1/schedules', body);
    expect(answer.body).toMatchObject(problem);
    expect((await api.get('/v1/schedules/x')).body.code).toBe('unknown_schedule');
  });

  test('a gate of its own needs admin, also to change a schedule that has one', async () => {
    const gate = { rules: [] };
    const writer = await api.keyWith('edits:write');
    expect((await api.post('/v1/schedules', nightly('gated', { gate }), { token: writer })).body.code).toBe(
      'missing_scope',
    );
    await api.post('/v1/schedules', nightly('gated', { gate }));
    expect((await patch('gated', { batch_size: 5 }, writer)).body.code).toBe('missing_scope');
    // Nor is it taken off by less: it may be stricter than the branch's.
    expect((await patch('gated', { batch_size: 5, gate: null }, writer)).body.code).toBe('missing_scope');
    await api.call('DELETE', '/v1/schedules/gated');
  });
});

test('a schedule is given another time, paused, resumed, deleted', async () => {
  const { id, owner } = (await api.post('/v1/schedules', nightly('changing'))).body;
  const moved = await patch('changing', { cron: '30 4 * * 1', time_zone: 'UTC', batch_size: 7 });
  expect(moved).toMatchObject({ status: 200, body: { id, batch_size: 7, cron: '30 4 * * 1', owner } });
  expect((await patch('changing', { cron: null })).body).toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: '/cron' }],
  });
  const writer = await api.keyWith('edits:write');
  expect((await patch('changing', { when_pending: 500 }, writer)).body.owner).not.toBe(owner);

  expect((await api.post('/v1/schedules/changing/pause', undefined)).body).toMatchObject({
    paused: true,
    next_due_at: null,
  });
  expect((await api.post('/v1/schedules/changing/resume', undefined)).body).toMatchObject({ paused: false });

  expect(await api.call('DELETE', '/v1/schedules/changing')).toMatchObject({ status: 204 });
  for (const [method, path] of [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/pause'],
    ['POST', '/trigger'],
    ['GET', '/runs'],
  ] as const)
    expect((await api.call(method, `/v1/schedules/changing${path}`)).body.code).toBe('unknown_schedule');
});

test('a trigger answers with its run; the batch is the job of a submission, and each edit says where it went', async () => {
  const { id } = (await api.post('/v1/schedules', nightly('now', { batch_size: 2, paused: true }))).body;
  const empty = await api.post('/v1/schedules/now/trigger', undefined);
  expect(empty).toMatchObject({
    status: 200,
    body: { outcome: 'ran', run: { outcome: 'empty', trigger: 'manual', job_id: null } },
  });
  await api.post(inbox(), [anEdit('France'), anEdit('Spain'), anEdit('Italy')]);
  const key = { headers: { 'idempotency-key': 'trigger-1' } };
  const ran = await api.post('/v1/schedules/now/trigger', undefined, key);
  expect(ran.body).toMatchObject({ run: { outcome: 'submitted', counts: { pending: 3, drawn: 2, left: 1 } } });
  expect((await api.post('/v1/schedules/now/trigger', undefined, key)).body).toEqual(ran.body);
  const job = (await api.get(`/v1/jobs/${ran.body.run.job_id}`)).body;
  expect(job).toMatchObject({ kind: 'edit', state: 'queued', input: { edits: 2 }, metadata: { schedule_id: id } });
  expect((await api.dispatch.counts()).waiting).toBe(1);
  expect((await api.post('/v1/schedules/now/trigger', undefined)).body.run).toMatchObject({
    outcome: 'skipped',
    reason: 'overlap',
  });
  await patch('now', { overlap: 'buffer_one' });
  await api.post('/v1/schedules/now/resume', undefined);
  expect((await api.post('/v1/schedules/now/trigger', undefined)).body).toMatchObject({
    outcome: 'buffered',
    run: null,
  });
  await api.carryOut(model.lane);
  const { data } = (await api.get(inbox())).body;
  expect(data.map(({ custom_id, state, job_id }: Record<string, unknown>) => [custom_id, state, job_id])).toEqual([
    ['Italy', 'pending', null],
    ['Spain', 'applied', job.id],
    ['France', 'applied', job.id],
  ]);
  const runs = (await api.get('/v1/schedules/now/runs?limit=2')).body;
  expect(runs).toMatchObject({
    has_more: true,
    data: [{ outcome: 'skipped' }, { outcome: 'submitted', job_state: 'succeeded' }],
  });
  expect((await api.get(`/v1/schedules/now/runs?limit=2&after=${runs.next_cursor}`)).body.data).toMatchObject([
    { outcome: 'empty' },
  ]);
  await api.call('DELETE', '/v1/schedules/now');
});

test('a trigger whose answer was lost is answered again, and not run again', async () => {
  await api.post('/v1/schedules', nightly('lost', { batch_size: 1 }));
  const { edits } = (await api.post(inbox(), [anEdit('Oman'), anEdit('Mali')])).body;
  await api.call('DELETE', `${inbox()}/${edits[1].id}`);
  const key = { headers: { 'idempotency-key': 'trigger-2' } };
  process.env.ERRATA_FAILPOINT = 'schedule.after:error';
  try {
    expect((await api.post('/v1/schedules/lost/trigger', undefined, key)).status).toBe(500);
  } finally {
    delete process.env.ERRATA_FAILPOINT;
  }
  const again = await api.post('/v1/schedules/lost/trigger', undefined, key);
  expect(again).toMatchObject({ status: 200, body: { run: { outcome: 'submitted' } } });
  expect((await api.get('/v1/schedules/lost/runs')).body.data).toEqual([again.body.run]);
  const made = await api.post('/v1/schedules', nightly('made'), key);
  expect(made.body.code).toBe('idempotency_key_reused');
  const other = { headers: { 'idempotency-key': 'create-1' } };
  const created = await api.post('/v1/schedules', nightly('made'), other);
  expect(await api.post('/v1/schedules', nightly('made'), other)).toMatchObject({
    status: 201,
    body: created.body,
    headers: { location: created.headers.location },
  });
  for (const name of ['lost', 'made']) await api.call('DELETE', `/v1/schedules/${name}`);
  expect((await api.get('/v1/schedules?branch=main')).body).toMatchObject({ code: 'invalid_request' });
});

test('when enough edits wait, the delivery itself runs the schedule', async () => {
  const { id } = (await api.post('/v1/schedules', { name: 'counting', model: 'atlas', when_pending: 3 })).body;
  const runs = async () => (await api.get(`/v1/schedules/${id}/runs`)).body.data;
  await api.post(inbox(), anEdit('Peru'));
  expect(await runs()).toEqual([]);
  const woken: string[] = [];
  const consumer = api.dispatch.consume(async (lane) => void woken.push(lane), { concurrency: 1 });
  await expect.poll(async () => (await api.dispatch.counts()).waiting).toBe(0);
  woken.length = 0;
  await api.post(inbox(), anEdit('Cuba'));
  expect(await runs()).toMatchObject([{ outcome: 'submitted', trigger: 'pending', counts: { drawn: 3 } }]);
  await expect.poll(() => woken).toEqual([model.lane]);
  await consumer.close();
  await api.post(inbox(), anEdit('Chile'));
  expect(await runs()).toHaveLength(1);
  expect((await api.get(`/v1/schedules/${id}`)).body).toMatchObject({ pending: 1 });
});

test('a run that fails does not fail the delivery, and is still due', async () => {
  const lastRun = async () => (await api.get('/v1/schedules/counting')).body.last_run;
  while ((await lastRun()).job_state === 'queued') await api.carryOut(model.lane);
  process.env.ERRATA_FAILPOINT = 'schedule.before:error';
  try {
    expect((await api.post(inbox(), [anEdit('Laos'), anEdit('Oman')])).status).toBe(202);
  } finally {
    delete process.env.ERRATA_FAILPOINT;
  }
  expect((await api.get('/v1/schedules/counting')).body).toMatchObject({ pending: 3 });
  expect(await schedulesToRun(api.lineage)).toHaveLength(1);
});
