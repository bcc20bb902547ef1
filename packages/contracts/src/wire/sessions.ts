// Sessions: how the dashboard signs a browser in, and what it may then do.
import { z } from 'zod';
import { scopes } from './resource-parts.ts';

const secret = z.string().min(1).max(256);

/** An API key, or the token of a link that signs in once. */
export const sessionRequestSchema = z
  .union([z.strictObject({ api_key: secret }), z.strictObject({ link: secret })])
  .meta({ id: 'SessionRequest' });
export type SessionRequest = z.input<typeof sessionRequestSchema>;

export const sessionSchema = z
  .strictObject({
    object: z.literal('session'),
    /** The key, or the person, that the session stands for; null where nobody is signed in, as the token and the end. */
    key: z.strictObject({ id: z.string(), name: z.string(), scopes: z.array(z.enum(scopes)) }).nullable(),
    /** Where people sign in with an account of their organisation; null where they do not. */
    login_url: z.string().nullable(),
    /** What requests of this session other than GET send as `x-errata-csrf`. */
    csrf_token: z.string().nullable(),
    expires_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Session' });
export type SessionResource = z.output<typeof sessionSchema>;
