// The sender over a real database and a real receiver: what fails is sent again, by whoever is there, until it is taken or given up.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  claimDeliveries,
  createWebhook,
  getDelivery,
  getWebhook,
  type Lineage,
  migrate,
  openLineage,
  replayDelivery,
  sendTestMessage,
} from '@errata/lineage';
import { allowAddresses } from '@errata/webhooks';
import { pino } from 'pino';
import { afterAll, afterEach, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../test/support/database.ts';
import type { Repeated } from '../lanes/repeat.ts';
import { createMetrics } from '../metrics.ts';
import { judge, type SenderOptions, startWebhookSender, webhookPausesMs } from './sender.ts';

const database = await createTestDatabase();
await migrate(database.url);
const lineage: Lineage = await openLineage(database.url);
const servers: ReturnType<typeof createServer>[] = [];
const senders: Repeated[] = [];
afterEach(async () => {
  await Promise.all(senders.splice(0).map((sender) => sender.stop()));
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
afterAll(async () => {
  await lineage.close();
  await database.drop();
});

/** A receiver that answers as it is told to, 0 for not at all, with a webhook that leads to it. */
async function receiver(answer: () => number) {
  const ids: string[] = [];
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    ids.push(String(request.headers['webhook-id']));
    const status = answer();
    if (status !== 0) response.writeHead(status).end();
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const made = { url, events: ['job.ended' as const], model_id: null, description: null, created_by: null };
  const webhook = await createWebhook(lineage, made);
  return { id: webhook.id, ids };
}
function start(options: SenderOptions = {}): Repeated {
  const sender = startWebhookSender(
    {
      settings: { webhookAddresses: allowAddresses(['127.0.0.1']) },
      lineage,
      metrics: createMetrics(() => 0),
      log: pino({ level: 'silent' }),
    },
    { pausesMs: [1, 1, 1], ...options },
  );
  senders.push(sender);
  return sender;
}
const message = async (webhook: string) => (await sendTestMessage(lineage, webhook)).id;
const state = async (webhook: string, id: string) => (await getDelivery(lineage, webhook, id)).state;
const until = (webhook: string, id: string, expected: string) =>
  expect.poll(() => state(webhook, id), { timeout: 30_000 }).toBe(expected);

test('a receiver that fails and then recovers gets the message, under one id, and every attempt is in the log', async () => {
  const answers = [500, 302, 429];
  const { id, ids } = await receiver(() => answers.shift() ?? 204);
  const delivery = await message(id);
  start();
  await until(id, delivery, 'delivered');
  expect(ids).toEqual([delivery, delivery, delivery, delivery]);
  const { log, attempts, next_attempt_at } = await getDelivery(lineage, id, delivery);
  expect(attempts).toBe(4);
  expect(next_attempt_at).toBeNull();
  expect(log.map(({ attempt, status, error }) => [attempt, status, error])).toEqual([
    [4, 204, null],
    [3, 429, 'answered 429'],
    [2, 302, 'answered 302: redirects are not followed'],
    [1, 500, 'answered 500'],
  ]);
});

test('after its last pause a message is given up, and a replay sends it once more with all its tries', async () => {
  let status = 500;
  const { id, ids } = await receiver(() => status);
  const delivery = await message(id);
  start();
  await until(id, delivery, 'failed');
  expect(ids).toHaveLength(4);
  await replayDelivery(lineage, id, delivery);
  await until(id, delivery, 'failed');
  expect(ids).toHaveLength(8);
  status = 200;
  await replayDelivery(lineage, id, delivery);
  await until(id, delivery, 'delivered');
  expect(new Set(ids)).toEqual(new Set([delivery]));
});

test('many senders send each message once', async () => {
  const { id, ids } = await receiver(() => 200);
  const deliveries = await Promise.all(Array.from({ length: 40 }, () => message(id)));
  for (let count = 0; count < 4; count++) start();
  for (const delivery of deliveries) await until(id, delivery, 'delivered');
  expect(ids.sort()).toEqual([...deliveries].sort());
});

test('what a process had claimed when it died is sent by another, and what the dead one says late changes nothing', async () => {
  const { id, ids } = await receiver(() => 200);
  const delivery = await message(id);
  const [claimed] = await claimDeliveries(lineage, { most: 1, mostEach: 1, busy: [], leaseMs: 1 });
  expect(claimed).toMatchObject({ id: delivery, attempt: 1 });
  start();
  await until(id, delivery, 'delivered');
  expect(ids).toEqual([delivery]);
  expect((await getDelivery(lineage, id, delivery)).attempts).toBe(2);
});

test('a receiver that never answers holds up no other', async () => {
  const silent = await receiver(() => 0);
  const stuck = await Promise.all(Array.from({ length: 40 }, () => message(silent.id)));
  start({ timeoutMs: 600_000 });
  await expect.poll(() => silent.ids.length, { timeout: 30_000 }).toBeGreaterThan(0);
  const { id } = await receiver(() => 200);
  const delivery = await message(id);
  await until(id, delivery, 'delivered');
  expect(silent.ids.length).toBeLessThanOrEqual(4);
  // Stopped, it hands back at once what it could not send.
  await senders[0]!.stop();
  for (const each of stuck) expect(await state(silent.id, each)).toBe('pending');
});

test('a receiver that is gone is not sent to any more', async () => {
  const { id, ids } = await receiver(() => 410);
  const delivery = await message(id);
  start();
  await until(id, delivery, 'failed');
  expect(ids).toHaveLength(1);
  expect(await getWebhook(lineage, id)).toMatchObject({
    enabled: false,
    disabled_reason: expect.stringContaining('410'),
  });
});

test('pauses grow, a receiver can ask for longer ones, and they end', () => {
  const failed = { status: 503, error: 'answered 503', retryAfterMs: null };
  const pauses = webhookPausesMs.map((_, tries) => judge(failed, tries).retryMs!);
  for (const [index, pause] of pauses.entries()) {
    expect(pause).toBeGreaterThanOrEqual(webhookPausesMs[index]!);
    expect(pause).toBeLessThanOrEqual(1.2 * webhookPausesMs[index]!);
  }
  expect(judge(failed, pauses.length)).toEqual({ retryMs: null });
  expect(judge({ ...failed, retryAfterMs: 3_600_000 }, 0).retryMs).toBe(3_600_000);
});
