// Webhooks: addresses that are told what happens, and the log of what they were told.
import { z } from 'zod';
import { nameOrIdSchema } from './resource-parts.ts';

/** What a webhook can ask to be told. `webhook.test` comes to any, when somebody asks for it. */
export const webhookEvents = ['job.ended', 'gate.refused', 'branch.moved', 'schedule.missed'] as const;
export type WebhookEvent = (typeof webhookEvents)[number];
export const webhookTestEvent = 'webhook.test';

const settings = {
  url: z
    .url({ protocol: /^https?$/, error: 'an address that begins with https://' })
    .max(2000)
    .refine((url) => !URL.canParse(url) || new URL(url).username + new URL(url).password === '', {
      error: 'an address without a user name and a password: they would be shown in logs',
    })
    .describe('Where messages are posted: https, and http only to addresses that the operator has named'),
  events: z
    .array(z.enum(webhookEvents))
    .min(1)
    .max(webhookEvents.length)
    .refine((events) => new Set(events).size === events.length, 'each event once'),
  description: z.string().max(1000).nullable(),
};

export const webhookRequestSchema = z
  .strictObject({
    url: settings.url,
    events: settings.events.default([...webhookEvents]).describe('All, when left out'),
    model: nameOrIdSchema.optional().describe('Only what happens to this model, by name or id'),
    description: settings.description.default(null),
  })
  .meta({ id: 'WebhookRequest' });
export type WebhookRequest = z.input<typeof webhookRequestSchema>;

/** Only what is given changes. */
export const webhookChangeSchema = z
  .strictObject({ ...settings, enabled: z.boolean() })
  .partial()
  .meta({ id: 'WebhookChange' });
export type WebhookChange = z.output<typeof webhookChangeSchema>;

/** Hours for which messages may be signed with two secrets at most. */
const longestOverlap = 30 * 24;

export const webhookRotationSchema = z
  .strictObject({
    overlap_hours: z
      .number()
      .min(0)
      .max(longestOverlap)
      .default(24)
      .describe('For so long messages are signed with the old secret too; 0 ends it at once'),
  })
  .meta({ id: 'WebhookRotation' });
export type WebhookRotation = z.input<typeof webhookRotationSchema>;

const webhookFields = {
  id: z.string(),
  object: z.literal('webhook'),
  url: z.string(),
  events: z.array(z.enum(webhookEvents)),
  /** Null for all models. */
  model_id: z.string().nullable(),
  description: z.string().nullable(),
  enabled: z.boolean(),
  /** Why the service itself disabled it. */
  disabled_reason: z.string().nullable(),
  previous_secret_ends_at: z.iso
    .datetime()
    .nullable()
    .describe('Until then messages are signed with the secret before it too; null where it is the only one'),
  /** Id of the API key. */
  created_by: z.string().nullable(),
  created_at: z.iso.datetime(),
};
export const webhookSchema = z.strictObject(webhookFields).meta({ id: 'Webhook' });
export type WebhookResource = z.output<typeof webhookSchema>;

export const createdWebhookSchema = z
  .strictObject({
    ...webhookFields,
    secret: z.string().describe('What messages are signed with, as `whsec_` and base64. It is not shown again'),
  })
  .meta({ id: 'CreatedWebhook' });
export type CreatedWebhook = z.output<typeof createdWebhookSchema>;

/** `pending`: not taken yet, and tried again at `next_attempt_at`; `failed`: given up. */
export const deliveryStates = ['pending', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/** The body of a message, as standard-webhooks has it. */
export const webhookMessageSchema = z.strictObject({
  type: z.enum([...webhookEvents, webhookTestEvent]),
  /** When it happened. */
  timestamp: z.iso.datetime(),
  data: z.record(z.string(), z.unknown()),
});
export type WebhookMessage = z.output<typeof webhookMessageSchema>;

export const deliverySchema = z
  .strictObject({
    /** Also the `webhook-id` of every attempt. */
    id: z.string(),
    object: z.literal('webhook_delivery'),
    webhook_id: z.string(),
    state: z.enum(deliveryStates),
    message: webhookMessageSchema,
    /** So many times it was sent. */
    attempts: z.int(),
    /** Null unless it is pending. */
    next_attempt_at: z.iso.datetime().nullable(),
    created_at: z.iso.datetime(),
    finished_at: z.iso.datetime().nullable(),
    /** The last ten, the latest first. */
    log: z.array(
      z.strictObject({
        attempt: z.int(),
        started_at: z.iso.datetime(),
        ms: z.int(),
        /** What the receiver answered with; null when it did not. */
        status: z.int().nullable(),
        /** Why it does not count as delivered. */
        error: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'WebhookDelivery' });
export type DeliveryResource = z.output<typeof deliverySchema>;
