// Which backend a queue URL names, and how to connect to it.
import { ErrataError } from '@errata/contracts';

/** Where wake-ups travel. */
export type QueueBackend =
  | { readonly kind: 'postgres'; readonly connectionString: string }
  | { readonly kind: 'redis'; readonly connection: RedisAddress };

/** The part of ioredis' options that says where the server is. */
export interface RedisAddress {
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  readonly tls?: Record<string, never>;
}

const forms = 'redis://host:port, rediss://host:port, redis+unix:///path/of/socket or postgres://user@host/database';

/**
 * Reads `redis://`, `rediss://`, `redis+unix://` and `postgres://` URLs. A Redis database is chosen by the path of a `redis://` URL
 * or by `?db=` behind a socket's path.
 * @throws ErrataError `invalid_request`, without repeating the URL, which may hold a password
 */
export function parseQueueUrl(queueUrl: string): QueueBackend {
  const url = URL.canParse(queueUrl) ? new URL(queueUrl) : undefined;
  switch (url?.protocol) {
    case 'postgres:':
    case 'postgresql:':
      return { kind: 'postgres', connectionString: queueUrl };
    case 'redis:':
    case 'rediss:':
      return {
        kind: 'redis',
        connection: {
          host: url.hostname || '127.0.0.1',
          port: url.port === '' ? 6379 : Number(url.port),
          ...credentials(url),
          db: database(url.pathname.slice(1)),
          ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
        },
      };
    case 'redis+unix:':
      if (url.pathname === '' || url.hostname !== '')
        throw invalid('redis+unix:// needs an absolute path: three slashes');
      return {
        kind: 'redis',
        connection: {
          path: decodeURIComponent(url.pathname),
          ...credentials(url),
          db: database(url.searchParams.get('db') ?? ''),
        },
      };
    default:
      throw invalid(`the queue URL must be one of ${forms}`);
  }
}

/** The backend in words for logs, without credentials. */
export function describeQueueUrl(queueUrl: string): string {
  const backend = parseQueueUrl(queueUrl);
  if (backend.kind === 'postgres') {
    const url = new URL(backend.connectionString);
    return `PostgreSQL at ${decodeURIComponent(url.host) || 'its socket'}${url.pathname}`;
  }
  const { path, host, port, db } = backend.connection;
  return `Redis at ${path ?? `${host}:${port}`}${db === 0 ? '' : ` (database ${db})`}`;
}

function credentials(url: URL): Pick<RedisAddress, 'username' | 'password'> {
  return {
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
  };
}

function database(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,4}$/.test(text)) throw invalid('the Redis database must be a number');
  return Number(text);
}

const invalid = (message: string) => new ErrataError('invalid_request', message, { details: { setting: 'QUEUE_URL' } });
