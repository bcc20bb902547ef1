// The sender of webhooks: takes messages that are due from the database, posts each, and writes down what came of it.
import { type ClaimedDelivery, claimDeliveries, msUntilDelivery, recordDelivery } from '@errata/lineage';
import { type AllowedAddresses, type Resolve, type Sent, sendOnce, sendTimeoutMs } from '@errata/webhooks';
import type { WorkerContext } from '../context.ts';
import { type Repeated, repeat } from '../lanes/repeat.ts';

type Needs = Pick<WorkerContext, 'lineage' | 'metrics' | 'log'> & {
  readonly settings: { readonly webhookAddresses: AllowedAddresses };
};

export interface SenderOptions {
  /** Milliseconds before the second attempt, the third and so on; after the last the message is given up. */
  readonly pausesMs?: readonly number[];
  readonly timeoutMs?: number;
  readonly resolve?: Resolve;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
/** Nine attempts over a day and a half: long enough for a receiver that is down over night. */
export const webhookPausesMs = [
  5 * second,
  30 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  18 * hour,
];
/** A pause is up to so much longer, so that what failed together does not come back together. */
const jitter = 0.2;

/** Messages under way at once, in all and to one webhook: who is slow holds up few. */
const atOnce = 32;
const atOnceEach = 4;
/** Between looks while nothing is due, and while a webhook that is being sent to may have more waiting. */
const idleMs = second;
const sendingMs = second / 10;

/** What is to happen after an attempt. `410 Gone` is how a receiver says that it wants no more. */
export function judge(
  { status, error, retryAfterMs }: Sent,
  tries: number,
  pausesMs: readonly number[] = webhookPausesMs,
): { readonly retryMs: number | null; readonly disable?: string } {
  if (error === null) return { retryMs: null };
  if (status === 410) return { retryMs: null, disable: 'the receiver answered 410 Gone' };
  const pause = pausesMs[tries];
  if (pause === undefined) return { retryMs: null };
  return { retryMs: Math.max(pause * (1 + jitter * Math.random()), retryAfterMs ?? 0) };
}

/** Sends whatever is due until it is stopped; every worker does. What is under way then is broken off, and due again at once. */
export function startWebhookSender(
  { settings, lineage, metrics, log }: Needs,
  { pausesMs = webhookPausesMs, timeoutMs = sendTimeoutMs, resolve }: SenderOptions = {},
): Repeated {
  const underWay = new Map<ClaimedDelivery, Promise<void>>();
  const stopping = new AbortController();

  async function send(delivery: ClaimedDelivery): Promise<void> {
    const startedAt = new Date();
    const started = performance.now();
    const sent = await sendOnce(delivery, {
      allowed: settings.webhookAddresses,
      timeoutMs,
      signal: stopping.signal,
      ...(resolve === undefined ? {} : { resolve }),
    });
    const { status, error } = sent;
    const next = stopping.signal.aborted && error !== null ? { retryMs: 0 } : judge(sent, delivery.tries, pausesMs);
    const ms = Math.round(performance.now() - started);
    await recordDelivery(lineage, delivery, { startedAt, ms, status, error, ...next });
    const outcome = error === null ? 'delivered' : next.retryMs === null ? 'given_up' : 'failed';
    metrics.webhookSent(outcome);
    const line = { webhook: delivery.webhook_id, delivery: delivery.id, attempt: delivery.attempt, status, error, ms };
    if (outcome === 'delivered') log.debug(line, 'webhook delivered');
    else log.warn({ ...line, retry_ms: next.retryMs }, 'webhook not delivered');
  }

  /** Begins what is due and waits for none of it: who is slow would hold up the others. */
  async function look(): Promise<number> {
    const busy = [...new Set([...underWay.keys()].map(({ webhook_id }) => webhook_id))];
    const room = { most: atOnce - underWay.size, mostEach: atOnceEach, busy };
    for (const delivery of await claimDeliveries(lineage, { ...room, leaseMs: 2 * timeoutMs + minute })) {
      // What cannot be written down is due again when the claim ends.
      const sending = send(delivery)
        .catch((error: unknown) => log.warn({ delivery: delivery.id, error }, 'could not keep what came of a webhook'))
        .finally(() => underWay.delete(delivery));
      underWay.set(delivery, sending);
    }
    return underWay.size > 0 ? sendingMs : msUntilDelivery(lineage, idleMs);
  }

  const looking = repeat(async () => {
    try {
      return await look();
    } catch (error) {
      log.warn({ error }, 'could not look for webhooks that are due');
      return idleMs;
    }
  });
  return {
    stop: async () => {
      stopping.abort(new Error('the worker was stopped'));
      await looking.stop();
      await Promise.all(underWay.values());
    },
  };
}
