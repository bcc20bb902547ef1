// The session of a browser that has signed in: for pages that the service itself serves.
import type { SessionRequest, SessionResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { CallOptions } from '../transport.ts';

export const session = ({ get, json, send }: Caller) => ({
  /** Who is signed in; its `key` is null where nobody is. */
  get: (call?: CallOptions) => get<SessionResource>('/v1/session', call),
  /** Signs in with an API key, or with the token of a link. */
  open: (request: SessionRequest, call: CallOptions = {}) =>
    json<SessionResource>('POST', '/v1/session', { ...call, body: request }),
  /** Signs out. */
  async close(call: CallOptions = {}): Promise<void> {
    await send('DELETE', '/v1/session', call);
  },
});
