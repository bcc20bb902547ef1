// One attempt: a message signed as standard-webhooks says, posted once, to an address that was checked, and nowhere else.
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { ErrataError, type WebhookMessage, withSignal } from '@errata/contracts';
import { Webhook } from 'standardwebhooks';
import { type AllowedAddresses, addressesOf, type Resolve, systemResolve } from './addresses.ts';

export interface Sending {
  /** The same for every attempt: receivers know by it what they have had. */
  readonly id: string;
  readonly url: string;
  /** `whsec_` and base64; of several each signs, so that a receiver may have any. */
  readonly secrets: readonly string[];
  readonly message: WebhookMessage;
}

export interface SendOptions {
  readonly allowed: AllowedAddresses;
  /** From the look-up of the name to the status of the answer. @defaultValue 15000 */
  readonly timeoutMs?: number;
  /** Breaks the attempt off. */
  readonly signal?: AbortSignal;
  readonly resolve?: Resolve;
}

export interface Sent {
  /** What the receiver answered with; null when it did not. */
  readonly status: number | null;
  /** Why it is not delivered; null when it is. */
  readonly error: string | null;
  /** How long the receiver asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | null;
}

export const sendTimeoutMs = 15_000;

/**
 * Sends a message once. Delivered is what is answered with a status of 200 to 299; a redirect is not followed, and no more of the answer
 * is read than its head. Never throws.
 */
export async function sendOnce(sending: Sending, options: SendOptions): Promise<Sent> {
  const { timeoutMs = sendTimeoutMs } = options;
  try {
    const sources = { follow: [options.signal], timeoutMs };
    const { status, retryAfter } = await withSignal(sources, (signal) => post(sending, options, signal));
    const redirected = status >= 300 && status < 400;
    const why = redirected ? `answered ${status}: redirects are not followed` : `answered ${status}`;
    return { status, error: status >= 200 && status < 300 ? null : why, retryAfterMs: pauseOf(retryAfter) };
  } catch (thrown) {
    return { status: null, error: reasonOf(thrown, timeoutMs), retryAfterMs: null };
  }
}

async function post(
  { id, url: address, secrets, message }: Sending,
  { allowed, resolve = systemResolve }: SendOptions,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly retryAfter: string | undefined }> {
  const url = new URL(address);
  // The connection is made to what was found here. Asked once more, the name could stand for something else.
  const found = await unlessAborted(addressesOf(url, allowed, resolve), signal);
  const pinned: LookupFunction = (_host, { all }, answer) => {
    const [first] = found;
    if (first === undefined) answer(new Error('the name has no address'), '', 0);
    else if (all) answer(null, [...found]);
    else answer(null, first.address, first.family);
  };
  const body = JSON.stringify(message);
  const at = new Date();
  const send = url.protocol === 'https:' ? secureRequest : plainRequest;
  return new Promise((settle, fail) => {
    const request = send(url, {
      method: 'POST',
      // A connection of its own: one that is kept would have been checked for another message.
      agent: false,
      lookup: pinned,
      signal,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'errata-webhooks',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
      },
    });
    request.on('error', fail);
    request.on('response', (response) => {
      settle({ status: response.statusCode!, retryAfter: response.headers['retry-after'] });
      response.destroy();
    });
    request.end(body);
  });
}

/** A look-up cannot be broken off: it is waited for no longer. */
const unlessAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((settle, fail) => {
    signal.addEventListener('abort', () => fail(signal.reason), { once: true });
    work.then(settle, fail);
  });

const longestPauseMs = 24 * 3_600_000;

/** `Retry-After` in seconds or as a date, a day at most. */
function pauseOf(retryAfter: string | undefined): number | null {
  if (retryAfter === undefined) return null;
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), longestPauseMs);
}

function reasonOf(thrown: unknown, timeoutMs: number): string {
  if (thrown instanceof ErrataError) return thrown.message;
  // Node says that a request was aborted, and why behind it.
  const { cause = thrown } = thrown as { cause?: unknown };
  const { name, code, message } = cause as NodeJS.ErrnoException;
  return name === 'TimeoutError' ? `no answer within ${timeoutMs / 1000} s` : typeof code === 'string' ? code : message;
}
