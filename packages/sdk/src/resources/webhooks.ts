// Webhooks: addresses that are told what happens, and the log of what they were told.
import type {
  CreatedWebhook,
  DeliveryResource,
  DeliveryState,
  WebhookChange,
  WebhookRequest,
  WebhookResource,
  WebhookRotation,
} from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export interface DeliveryQuery extends PageQuery {
  readonly state?: readonly DeliveryState[] | undefined;
}

export const webhooks = ({ get, post, list, json, send }: Caller) => ({
  /** The answer has the secret that messages are signed with; it is not shown again. */
  create: (request: WebhookRequest, call?: CallOptions) => post<CreatedWebhook>('/v1/webhooks', request, call),
  list: (query: PageQuery = {}) => list<WebhookResource>('/v1/webhooks', { ...query }),
  get: (webhook: string, call?: CallOptions) => get<WebhookResource>(at`/v1/webhooks/${webhook}`, call),
  /** Only what is given changes. */
  change: (webhook: string, change: Partial<WebhookChange>, call: CallOptions = {}) =>
    json<WebhookResource>('PATCH', at`/v1/webhooks/${webhook}`, { ...call, body: change }),
  /** Gives it another secret, which is not shown again; messages are signed with the old one too for a day, or as long as is said. */
  rotate: (webhook: string, rotation: WebhookRotation = {}, call?: CallOptions) =>
    post<CreatedWebhook>(at`/v1/webhooks/${webhook}/rotate`, rotation, call),
  async delete(webhook: string, call: CallOptions = {}): Promise<void> {
    await send('DELETE', at`/v1/webhooks/${webhook}`, call);
  },
  /** Sends a message that says nothing but that it arrived. */
  test: (webhook: string, call?: CallOptions) =>
    post<DeliveryResource>(at`/v1/webhooks/${webhook}/test`, undefined, call),
  /** What it was told, the latest first. */
  deliveries: (webhook: string, { state, ...query }: DeliveryQuery = {}) =>
    list<DeliveryResource>(at`/v1/webhooks/${webhook}/deliveries`, { ...query, state: state?.join(',') }),
  delivery: (webhook: string, delivery: string, call?: CallOptions) =>
    get<DeliveryResource>(at`/v1/webhooks/${webhook}/deliveries/${delivery}`, call),
  /** Sends a message once more, under the same id. */
  replay: (webhook: string, delivery: string, call?: CallOptions) =>
    post<DeliveryResource>(at`/v1/webhooks/${webhook}/deliveries/${delivery}/replay`, undefined, call),
});
