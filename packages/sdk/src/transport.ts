// One request: headers, idempotency keys, retries with back-off, problems as errors.
import { csrfHeader, ErrataError, withSignal } from '@errata/contracts';
import { ErrataApiError, readProblem } from './errors.ts';

export interface ErrataOptions {
  /** Where the API listens, for example `http://127.0.0.1:7700`; with or without `/v1`. */
  readonly baseUrl: string;
  /** Left out by a page of the service itself: the cookie that its browser has from signing in says who asks. */
  readonly apiKey?: string;
  /** The `csrf_token` of that session, which such a page sends along. */
  readonly csrfToken?: () => string | null;
  /** Attempts after the first one. Default 4. */
  readonly maxRetries?: number;
  /** Milliseconds that one attempt may take (event streams excepted). Default 120,000. */
  readonly timeoutMs?: number;
  /** Another fetch than the global one: for proxies, tracing, tests in one process. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** For POST. A fresh one is made for each call, and kept over its retries, when left out. */
  readonly idempotencyKey?: string | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface RequestOptions extends CallOptions {
  readonly query?: Query;
  /** Sent as JSON; a string is sent as it is, under `contentType`. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** No time limit on the attempt: the answer is a stream. */
  readonly streaming?: boolean;
  /** For this request alone. */
  readonly maxRetries?: number;
}

export type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

export interface Transport {
  /** The answer, whose status is a success. @throws ErrataApiError, or ErrataError `unavailable` where none came. */
  send(method: Method, path: string, options?: RequestOptions): Promise<Response>;
  json<T>(method: Method, path: string, options?: RequestOptions): Promise<T>;
}

const firstPauseMs = 250;
const longestPauseMs = 8000;

/** Full jitter: clients that failed together do not come back together. */
export const backoffMs = (attempt: number): number =>
  Math.random() * Math.min(longestPauseMs, firstPauseMs * 2 ** attempt) + firstPauseMs / 2;

export function pause(ms: number, signal?: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Chance alone: browsers give no UUID to pages that came without TLS. */
const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

export function createTransport(options: ErrataOptions): Transport {
  const { apiKey, csrfToken, maxRetries = 4, timeoutMs = 120_000 } = options;
  const fetch = options.fetch ?? globalThis.fetch;
  const root = options.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '');

  const credentials = (method: Method): Record<string, string> => {
    if (apiKey !== undefined) return { authorization: `Bearer ${apiKey}` };
    const token = method === 'GET' ? null : (csrfToken?.() ?? null);
    return token === null ? {} : { [csrfHeader]: token };
  };

  async function attempt(method: Method, path: string, request: RequestOptions, idempotencyKey: string | undefined) {
    const isText = typeof request.body === 'string';
    const ask = async (signal: AbortSignal | undefined) => {
      const response = await fetch(root + path + queryString(request.query), {
        method,
        headers: {
          ...credentials(method),
          accept: request.accept ?? 'application/json',
          ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
          ...request.headers,
        },
        ...(request.body === undefined
          ? {}
          : { body: isText ? (request.body as string) : JSON.stringify(request.body) }),
        ...(signal === undefined ? {} : { signal }),
      });
      if (!response.ok) throw await readProblem(response);
      return response;
    };
    if (request.streaming) return ask(request.signal);
    // The answer is read within the time of the attempt: one that stops half way is tried again, too.
    return withSignal({ follow: [request.signal], timeoutMs }, async (signal) => {
      const response = await ask(signal);
      // Browsers give an empty body where there can be none, and take none to be made of it.
      const body = response.body === null || response.status === 204 ? null : await response.arrayBuffer();
      return new Response(body, { status: response.status, headers: response.headers });
    });
  }

  async function send(method: Method, path: string, request: RequestOptions = {}): Promise<Response> {
    const idempotencyKey = method === 'POST' ? (request.idempotencyKey ?? newKey()) : undefined;
    for (let tried = 0; ; tried += 1) {
      try {
        return await attempt(method, path, request, idempotencyKey);
      } catch (thrown) {
        request.signal?.throwIfAborted();
        const error = thrown instanceof ErrataApiError ? thrown : unreachable(root, thrown);
        if (!error.retryable || tried >= (request.maxRetries ?? maxRetries)) throw error;
        const asked = error instanceof ErrataApiError ? error.retryAfterMs : null;
        await pause(asked ?? backoffMs(tried), request.signal);
      }
    }
  }

  return {
    send,
    async json<T>(method: Method, path: string, request?: RequestOptions) {
      return (await (await send(method, path, request)).json()) as T;
    },
  };
}

function unreachable(root: string, cause: unknown): ErrataError {
  const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
  return timedOut
    ? new ErrataError('timeout', `${root} did not answer in time`, { cause })
    : new ErrataError('unavailable', `${root} cannot be reached: ${reason}`, { cause });
}

function queryString(query: Query | undefined): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue;
    parameters.append(name, Array.isArray(value) ? value.join(',') : String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

/** A path with its pieces escaped: at`/v1/jobs/${id}`. */
export const at = (pieces: TemplateStringsArray, ...values: readonly string[]): string =>
  String.raw({ raw: pieces }, ...values.map(encodeURIComponent));
