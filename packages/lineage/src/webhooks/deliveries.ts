// Deliveries: messages that wait to be sent, who is sending which, and the log of what came of it.
import {
  type DeliveryResource,
  type DeliveryState,
  ErrataError,
  type Page,
  type WebhookMessage,
  webhookMessageSchema,
  webhookTestEvent,
} from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import { asJson, clientOf, type Db, type Lineage } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { idCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { readStored } from '../database/stored.ts';
import type { Prisma } from '../generated/client.ts';
import { unknownWebhook } from './webhooks.ts';

/** A message that is ours to send, until the time that was asked for has passed. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly webhook_id: string;
  readonly url: string;
  /** The newest first; two while one replaces the other. */
  readonly secrets: readonly string[];
  readonly message: WebhookMessage;
  /** Which attempt this is; its outcome is kept only while it is the latest. */
  readonly attempt: number;
  /** Those before it since the message was made or last replayed. */
  readonly tries: number;
}

export interface DeliveryClaim {
  /** How many at most, in all and of one webhook. */
  readonly most: number;
  readonly mostEach: number;
  /** Webhooks that are being sent to. */
  readonly busy: readonly string[];
  /** Milliseconds after which whoever claimed them is taken to be gone, and they are due again. */
  readonly leaseMs: number;
}

/** Takes messages that are due, the longest waiting first; nobody else gets them meanwhile. */
export async function claimDeliveries(
  db: Lineage,
  { most, mostEach, busy, leaseMs }: DeliveryClaim,
): Promise<readonly ClaimedDelivery[]> {
  const rows = await db.prisma.$queryRaw<(Omit<ClaimedDelivery, 'message'> & { message: unknown })[]>`
    WITH waiting AS (
      SELECT d.id, row_number() OVER (PARTITION BY d.webhook_id ORDER BY d.next_attempt_at, d.id) AS place
      FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id
      WHERE d.state = 'pending' AND d.next_attempt_at <= clock_timestamp() AND w.enabled
        AND NOT d.webhook_id = ANY(${[...busy]})
    ), due AS (
      SELECT d.id FROM webhook_deliveries d JOIN waiting ON waiting.id = d.id
      WHERE waiting.place <= ${mostEach} AND d.state = 'pending' AND d.next_attempt_at <= clock_timestamp()
      ORDER BY d.next_attempt_at LIMIT ${most} FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE webhook_deliveries d SET attempts = attempts + 1, tries = tries + 1,
      next_attempt_at = clock_timestamp() + ${leaseMs}::double precision * interval '1 millisecond'
    FROM webhooks w WHERE d.id IN (SELECT id FROM due) AND w.id = d.webhook_id
    RETURNING d.id, d.webhook_id, w.url, array_remove(ARRAY[w.secret,
      CASE WHEN w.previous_secret_ends_at > clock_timestamp() THEN w.previous_secret END], NULL) AS secrets, d.message, d.attempts AS attempt, d.tries - 1 AS tries`;
  return rows.map((row) => ({ ...row, message: readStored(webhookMessageSchema, row.message, `message ${row.id}`) }));
}

export interface DeliveryOutcome {
  readonly startedAt: Date;
  readonly ms: number;
  readonly status: number | null;
  /** Null when it was delivered. */
  readonly error: string | null;
  /** Milliseconds until the next attempt; null when there is none. */
  readonly retryMs: number | null;
  /** Why the webhook is not to be sent to any more. */
  readonly disable?: string | undefined;
}

/** Keeps what came of an attempt. False when another has begun meanwhile: then only the log has it. */
export async function recordDelivery(
  db: Lineage,
  { id, attempt, webhook_id }: Pick<ClaimedDelivery, 'id' | 'attempt' | 'webhook_id'>,
  { startedAt, ms, status, error, retryMs, disable }: DeliveryOutcome,
): Promise<boolean> {
  const state: DeliveryState = error === null ? 'delivered' : retryMs === null ? 'failed' : 'pending';
  return db.prisma.$transaction(async (tx) => {
    const moved = await tx.$executeRaw`
      UPDATE webhook_deliveries SET state = ${state},
        finished_at = CASE WHEN ${state} <> 'pending' THEN clock_timestamp() END,
        next_attempt_at = clock_timestamp() + ${retryMs ?? 0}::double precision * interval '1 millisecond'
      WHERE id = ${id} AND state = 'pending' AND attempts = ${attempt}`;
    // A webhook that was deleted meanwhile took its deliveries along.
    await tx.$executeRaw`
      INSERT INTO webhook_attempts (delivery_id, number, started_at, ms, status, error)
      SELECT id, ${attempt}, ${startedAt}::timestamptz, ${ms}, ${status}::integer, ${error}
      FROM webhook_deliveries WHERE id = ${id} FOR KEY SHARE`;
    if (disable !== undefined)
      await tx.webhook.updateMany({ where: { id: webhook_id }, data: { enabled: false, disabledReason: disable } });
    return moved === 1;
  });
}

/** Milliseconds until something is due, `atMost` so many. */
export async function msUntilDelivery(db: Lineage, atMost: number): Promise<number> {
  const [row] = await db.prisma.$queryRaw<{ ms: number }[]>`
    SELECT greatest(0, least(${atMost}::float8,
      (extract(epoch FROM min(next_attempt_at) - clock_timestamp()) * 1000)::float8)) AS ms
    FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id WHERE d.state = 'pending' AND w.enabled`;
  return Math.ceil(row!.ms);
}

/** How long the log of a message that has ended is kept, in days. */
export const deliveriesKeptDays = 30;

/** Forgets messages that ended long ago; a moderate number at a time. */
export const sweepDeliveries = (db: Lineage): Promise<number> => db.prisma.$executeRaw`
  DELETE FROM webhook_deliveries WHERE id IN (
    SELECT id FROM webhook_deliveries
    WHERE state <> 'pending' AND finished_at < clock_timestamp() - ${deliveriesKeptDays}::integer * interval '1 day'
    LIMIT 10000 FOR UPDATE SKIP LOCKED)`;

/** Queues a message that says nothing but that it arrived. `unknown_webhook`. */
export async function sendTestMessage(db: Lineage, webhookId: string): Promise<DeliveryResource> {
  const webhook = await db.prisma.webhook.findUnique({ where: { id: webhookId } });
  if (webhook === null) throw unknownWebhook(webhookId);
  const message: WebhookMessage = {
    type: webhookTestEvent,
    timestamp: new Date().toISOString(),
    data: { webhook_id: webhookId },
  };
  const id = newId('delivery');
  await db.prisma.webhookDelivery.create({ data: { id, webhookId, message: asJson(message) } });
  return getDelivery(db, webhookId, id);
}

/** Sends a message once more, from now on and with all its tries, under the same id. `unknown_delivery`. */
export async function replayDelivery(db: Lineage, webhookId: string, id: string): Promise<DeliveryResource> {
  await db.prisma.$transaction(async (tx) => {
    const replayed = await tx.$executeRaw`
      UPDATE webhook_deliveries SET state = 'pending', tries = 0, finished_at = NULL, next_attempt_at = clock_timestamp()
      WHERE id = ${id} AND webhook_id = ${webhookId}`;
    if (replayed === 0) throw unknownDelivery(id);
    await noteAct(tx, { act: 'delivery.replayed', subject: id, details: { webhook_id: webhookId } });
  });
  return getDelivery(db, webhookId, id);
}

/** `unknown_delivery`. */
export async function getDelivery(db: Db, webhookId: string, id: string): Promise<DeliveryResource> {
  const row = await clientOf(db).webhookDelivery.findUnique({ where: { id, webhookId }, include: withLog });
  if (row === null) throw unknownDelivery(id);
  return resource(row);
}

/** The latest first. The cursor is the id of one. `unknown_webhook`. */
export async function listDeliveries(
  db: Db,
  webhookId: string,
  filter: { readonly states?: readonly DeliveryState[] | undefined },
  page: PageRequest = {},
): Promise<Page<DeliveryResource>> {
  const client = clientOf(db);
  if ((await client.webhook.count({ where: { id: webhookId } })) === 0) throw unknownWebhook(webhookId);
  const limit = page.limit ?? 20;
  const rows = await client.webhookDelivery.findMany({
    where: {
      webhookId,
      ...(filter.states === undefined ? {} : { state: { in: [...filter.states] } }),
      ...(page.after === undefined ? {} : { id: { lt: idCursor(page.after, 'delivery') } }),
    },
    include: withLog,
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, ({ id }) => id, resource);
}

const unknownDelivery = (id: string): ErrataError =>
  new ErrataError('unknown_delivery', `the webhook has no delivery ${JSON.stringify(id)}`);

const withLog = { log: { orderBy: { number: 'desc' }, take: 10 } } satisfies Prisma.WebhookDeliveryInclude;

const resource = (row: Prisma.WebhookDeliveryGetPayload<{ include: typeof withLog }>): DeliveryResource => ({
  id: row.id,
  object: 'webhook_delivery',
  webhook_id: row.webhookId,
  state: row.state as DeliveryState,
  message: readStored(webhookMessageSchema, row.message, `message ${row.id}`),
  attempts: row.attempts,
  next_attempt_at: row.state === 'pending' ? row.nextAttemptAt.toISOString() : null,
  created_at: row.createdAt.toISOString(),
  finished_at: row.finishedAt?.toISOString() ?? null,
  log: row.log.map(({ number, startedAt, ms, status, error }) => ({
    attempt: number,
    started_at: startedAt.toISOString(),
    ms,
    status,
    error,
  })),
});
