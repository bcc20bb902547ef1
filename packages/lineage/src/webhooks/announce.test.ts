// What happens becomes a message for whoever asked for it, in the transaction in which it happens, and in no other.
import { type WebhookEvent, webhookEvents } from '@errata/contracts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  type Finish,
  finishJob,
  listDeliveries,
  listWebhooks,
  moveJob,
  releaseLease,
  runSchedule,
} from '../index.ts';
import {
  edit,
  importModel,
  type LineageFixture,
  madeEdit,
  openFixture,
  submitEdits,
  take,
} from '../lineage.fixture.ts';
import { dueSince, openDesk } from '../schedules/schedules.fixture.ts';

let fixture: LineageFixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  for (const { id } of (await listWebhooks(fixture.db)).data) await deleteWebhook(fixture.db, id);
});

const listen = async (events: readonly WebhookEvent[] = webhookEvents, model_id: string | null = null) =>
  (
    await createWebhook(fixture.db, {
      url: 'https://a.example/',
      events,
      model_id,
      description: null,
      created_by: null,
    })
  ).id;
const told = async (id: string) =>
  (await listDeliveries(fixture.db, id, {}, { limit: 100 })).data.map(({ message }) => message).reverse();

test('a committed edit ends its job and moves its branch; who asked for one of these, or for another model, hears no more', async () => {
  const { db } = fixture;
  const all = await listen();
  const model = await importModel(db, 'commits');
  const moves = await listen(['branch.moved'], model.model);
  const elsewhere = await listen(webhookEvents, (await importModel(db, 'elsewhere')).model);
  const { version, job } = await edit(db, model, ['France']);
  const moved = {
    type: 'branch.moved',
    timestamp: expect.stringMatching(/Z$/),
    data: {
      branch_id: model.branch,
      branch: 'main',
      model_id: model.model,
      kind: 'edit',
      sequence: 2,
      from_version_id: model.root,
      to_version_id: version,
      job_id: job,
      reason: null,
    },
  };
  expect(await told(moves)).toEqual([moved]);
  expect(await told(elsewhere)).toEqual([]);
  const heard = await told(all);
  expect(heard.map(({ type, data }) => [type, data.kind])).toEqual([
    ['job.ended', 'import'],
    ['job.ended', 'import'],
    ['branch.moved', 'edit'],
    ['job.ended', 'edit'],
  ]);
  expect(heard[3]!.data).toMatchObject({ job_id: job, state: 'succeeded', version_id: version, error: null });
});

test('a gate that refuses is told with its reasons, and what is undone is not told', async () => {
  const { db } = fixture;
  const model = await importModel(db, 'refuses');
  const id = await listen(webhookEvents, model.model);
  await submitEdits(db, model.model, [madeEdit('Spain')]);
  const { lease, taken } = await take(db, model.lane);
  await moveJob(db, lease, taken.id, 'running', 'evaluating');
  const refused: Finish = {
    jobId: taken.id,
    from: 'evaluating',
    to: 'gated_out',
    gate: { passed: false, findings: [{ metric: 'locality', min: 0.7, value: 0.1, outcome: 'failed' }] },
  };
  // The results name an edit that the job has not: the whole transaction is undone.
  const stranger = { custom_id: 'x', outcome: 'applied' } as never;
  await expect(finishJob(db, lease, { ...refused, editResults: [stranger] })).rejects.toThrow();
  expect(await told(id)).toEqual([]);
  await finishJob(db, lease, refused);
  await releaseLease(db, lease);
  expect((await told(id)).map(({ type, data }) => [type, data.state, data.reasons])).toEqual([
    ['job.ended', 'gated_out', undefined],
    ['gate.refused', undefined, ['locality is 0.1, and must be at least 0.7']],
  ]);
});

test('a tick that nobody noticed in time is told, one that runs is not', async () => {
  const { db } = fixture;
  const desk = await openDesk(db, 'ticks');
  const id = await listen(['schedule.missed']);
  const { id: schedule } = await desk.schedule({ cron: '0 3 * * *', catch_up_seconds: 60 });
  await dueSince(fixture, schedule, 5);
  await runSchedule(db, schedule);
  expect(await told(id)).toEqual([]);
  await dueSince(fixture, schedule, 3600);
  await runSchedule(db, schedule);
  expect(await told(id)).toMatchObject([
    {
      type: 'schedule.missed',
      data: { schedule_id: schedule, name: 'ticks', run: { outcome: 'skipped', reason: 'missed' } },
    },
  ]);
});

test('a webhook that is disabled hears of nothing that happens meanwhile', async () => {
  const { db } = fixture;
  const id = await listen(['branch.moved']);
  const model = await importModel(db, 'quiet');
  await changeWebhook(db, id, { enabled: false });
  await edit(db, model, ['Italy']);
  await changeWebhook(db, id, { enabled: true });
  const { version } = await edit(db, model, ['Malta']);
  expect((await told(id)).map(({ data }) => data.to_version_id)).toEqual([version]);
});
