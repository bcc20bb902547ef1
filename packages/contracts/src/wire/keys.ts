// API keys: who may do what. The key itself is told once.
import { z } from 'zod';
import { nameOrIdSchema, scopes } from './resource-parts.ts';

/** Models that one key can be limited to at most. */
const mostModels = 100;

export const keyRequestSchema = z
  .strictObject({
    /** Who or what it is for. */
    name: z.string().trim().min(1).max(200),
    scopes: z
      .array(z.enum(scopes))
      .min(1)
      .max(scopes.length)
      .refine((given) => new Set(given).size === given.length, 'a scope is named twice'),
    /** The models that it reaches, by name or id; all of them when left out, also those that are imported later. */
    models: z.array(nameOrIdSchema).min(1).max(mostModels).optional(),
    /** The project that it is for, by name or id: it reaches the models of that alone, of `models` those that are in it. Left out, it is for the whole service. */
    project: nameOrIdSchema.optional(),
    /** When it ends by itself; left out, when it is revoked. */
    expires_at: z.iso
      .datetime({ offset: true })
      .max(40)
      .refine((time) => Date.parse(time) > Date.now(), 'it would have ended already')
      .optional(),
  })
  .meta({ id: 'KeyRequest' });
export type KeyRequest = z.input<typeof keyRequestSchema>;

export const keyRotationSchema = z
  .strictObject({
    /** Hours for which the old key works beside the new one. */
    grace_hours: z.number().min(0).max(8760).default(24),
  })
  .meta({ id: 'KeyRotation' });
export type KeyRotation = z.input<typeof keyRotationSchema>;

export const keySchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('key'),
    name: z.string(),
    scopes: z.array(z.enum(scopes)),
    /** Id of the project that it is for; null for the whole service. */
    project_id: z.string().nullable(),
    /** Ids of the models that it is limited to; null where it is limited to none. */
    models: z.array(z.string()).nullable(),
    created_at: z.iso.datetime(),
    /** Null: it ends when it is revoked. */
    expires_at: z.iso.datetime().nullable(),
    /** To the minute; null where it never was. */
    last_used_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Key' });
export type KeyResource = z.output<typeof keySchema>;

/** A key that was made just now, with what is sent as `Authorization: Bearer`: only its hash is kept, and nobody is told again. */
export const createdKeySchema = keySchema.extend({ token: z.string() }).meta({ id: 'CreatedKey' });
export type CreatedKey = z.output<typeof createdKeySchema>;
