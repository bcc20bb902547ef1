// Webhooks: who is told of what. Whether an address may be sent to is for whoever sends.
import { randomBytes } from 'node:crypto';
import {
  type CreatedWebhook,
  ErrataError,
  type Page,
  sha256,
  type WebhookChange,
  type WebhookEvent,
  type WebhookResource,
} from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import { clientOf, type Db, type Lineage } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { idCursor, type PageRequest, pageOf } from '../database/pages.ts';
import type { Webhook as WebhookRow } from '../generated/client.ts';

export interface NewWebhook {
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly model_id: string | null;
  readonly description: string | null;
  /** Id of the API key. */
  readonly created_by: string | null;
}

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** Makes a webhook. The secret is returned here and never again; it has the form that standard-webhooks gives it, and 32 bytes of chance. */
export async function createWebhook(db: Lineage, webhook: NewWebhook): Promise<CreatedWebhook> {
  const row = await db.prisma.$transaction(async (tx) => {
    const made = await tx.webhook.create({
      data: {
        id: newId('webhook'),
        url: webhook.url,
        secret: newSecret(),
        events: [...webhook.events],
        modelId: webhook.model_id,
        description: webhook.description,
        createdBy: webhook.created_by,
      },
    });
    const { id, modelId: model, url, events } = made;
    const details = { address: sha256(url), events };
    await noteAct(tx, { act: 'webhook.created', subject: id, model, details, by: webhook.created_by });
    return made;
  });
  return { ...resource(row), secret: row.secret };
}

/** `unknown_webhook`. */
export async function getWebhook(db: Db, id: string): Promise<WebhookResource> {
  const row = await clientOf(db).webhook.findUnique({ where: { id } });
  if (row === null) throw unknownWebhook(id);
  return resource(row);
}

/** The latest first. The cursor is the id of one. */
export async function listWebhooks(
  db: Db,
  page: PageRequest & { readonly model_ids?: readonly string[] | undefined } = {},
): Promise<Page<WebhookResource>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).webhook.findMany({
    where: {
      ...(page.after === undefined ? {} : { id: { lt: idCursor(page.after, 'webhook') } }),
      ...(page.model_ids === undefined ? {} : { modelId: { in: [...page.model_ids] } }),
    },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, ({ id }) => id, resource);
}

/** Changes what is given. Enabled again, it is sent what had been waiting when it was disabled. `unknown_webhook`. */
export async function changeWebhook(db: Lineage, id: string, change: WebhookChange): Promise<WebhookResource> {
  const { url, events, description, enabled } = change;
  return db.prisma.$transaction(async (tx) => {
    const { count } = await tx.webhook.updateMany({
      where: { id },
      data: {
        ...(url === undefined ? {} : { url }),
        ...(events === undefined ? {} : { events }),
        ...(description === undefined ? {} : { description }),
        ...(enabled === undefined ? {} : { enabled, disabledReason: null }),
      },
    });
    if (count === 0) throw unknownWebhook(id);
    const details = { ...(url === undefined ? {} : { address: sha256(url) }), events, enabled };
    await noteAct(tx, { act: 'webhook.changed', subject: id, details });
    return getWebhook(tx, id);
  });
}

/**
 * Gives a webhook another secret, which is returned here and never again. For `overlapMs` messages are signed with the one that it had too;
 * one before that ends at once. `unknown_webhook`.
 */
export async function rotateWebhookSecret(db: Lineage, id: string, overlapMs: number): Promise<CreatedWebhook> {
  const secret = newSecret();
  // One statement: of two who rotate at once, the second has the secret of the first as the old one.
  return db.prisma.$transaction(async (tx) => {
    const count = await tx.$executeRaw`
    UPDATE webhooks SET secret = ${secret},
      previous_secret = CASE WHEN ${overlapMs}::double precision > 0 THEN secret END,
      previous_secret_ends_at = CASE WHEN ${overlapMs}::double precision > 0
        THEN clock_timestamp() + ${overlapMs}::double precision * interval '1 millisecond' END
    WHERE id = ${id}`;
    if (count === 0) throw unknownWebhook(id);
    await noteAct(tx, { act: 'webhook.rotated', subject: id });
    return { ...(await getWebhook(tx, id)), secret };
  });
}

/** Forgets secrets that have been replaced and sign no more. */
export const forgetReplacedSecrets = (db: Lineage): Promise<number> => db.prisma.$executeRaw`
  UPDATE webhooks SET previous_secret = NULL, previous_secret_ends_at = NULL WHERE previous_secret_ends_at <= clock_timestamp()`;

/** Deletes a webhook with all its deliveries. `unknown_webhook`. */
export async function deleteWebhook(db: Lineage, id: string): Promise<void> {
  await db.prisma.$transaction(async (tx) => {
    const { count } = await tx.webhook.deleteMany({ where: { id } });
    if (count === 0) throw unknownWebhook(id);
    await noteAct(tx, { act: 'webhook.deleted', subject: id });
  });
}

export const unknownWebhook = (id: string): ErrataError =>
  new ErrataError('unknown_webhook', `there is no webhook ${JSON.stringify(id)}`);

const endsLater = (end: Date | null): string | null =>
  end !== null && end.getTime() > Date.now() ? end.toISOString() : null;

const resource = (row: WebhookRow): WebhookResource => ({
  id: row.id,
  object: 'webhook',
  url: row.url,
  events: row.events as WebhookEvent[],
  model_id: row.modelId,
  description: row.description,
  enabled: row.enabled,
  disabled_reason: row.disabledReason,
  previous_secret_ends_at: endsLater(row.previousSecretEndsAt),
  created_by: row.createdBy,
  created_at: row.createdAt.toISOString(),
});
