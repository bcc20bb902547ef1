// Browsers that have signed in: a cookie that no script can read stands for an API key, and a token beside it shows that a page of ours asks.
import { csrfHeader, ErrataError, sha256 } from '@errata/contracts';
import { findSession, type Lineage, type Session } from '@errata/lineage';
import type { FastifyRequest } from 'fastify';

export interface OpenSession extends Session {
  readonly token: string;
}

/** What requests of a session other than GET bring in their header. */
export const csrfTokenOf = (token: string): string => sha256(`csrf ${token}`);

/** Where a browser begins to sign in at the provider of identities. */
export const loginPath = '/v1/session/oidc';

/** Cookies know of no ports, and several stacks may run on one machine. */
function cookieName(request: FastifyRequest, kind: 'session' | 'pending'): string {
  const port = /:(\d+)$/.exec(request.headers.host ?? '')?.[1];
  return port === undefined ? `errata_${kind}` : `errata_${kind}_${port}`;
}

export function cookieOf(request: FastifyRequest, kind: 'session' | 'pending'): string | undefined {
  const name = `${cookieName(request, kind)}=`;
  const cookies = (request.headers.cookie ?? '').split('; ');
  return cookies.find((cookie) => cookie.startsWith(name))?.slice(name.length);
}

/** Ten minutes at the provider. */
const pendingSeconds = 600;

/** The cookie of a sign-in under way, or one that ends it. It comes along when the provider, another site, sends the browser back. */
export function pendingCookie(request: FastifyRequest, value: string, overTls: boolean): string {
  const age = value === '' ? 0 : pendingSeconds;
  return `${cookieName(request, 'pending')}=${value}; Path=${loginPath}; Max-Age=${age}; HttpOnly; SameSite=Lax${ofTls(overTls)}`;
}

/**
 * The cookie of a session, or one that ends it: sent by pages of this site alone, and read by no script. Over TLS only where the page came so.
 * @param livesMs 0 takes it away
 */
export function sessionCookie(
  request: FastifyRequest,
  token: string,
  livesMs: number,
  overTls = request.headers.origin?.startsWith('https:') === true,
): string {
  const age = Math.floor(livesMs / 1000);
  return `${cookieName(request, 'session')}=${token}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${ofTls(overTls)}`;
}

const ofTls = (overTls: boolean): string => (overTls ? '; Secure' : '');

/** The session that a request brings; null where it brings none, or one that has ended. */
export async function sessionOf(lineage: Lineage, request: FastifyRequest): Promise<OpenSession | null> {
  const token = cookieOf(request, 'session');
  if (token === undefined) return null;
  const session = await findSession(lineage, token);
  return session === null ? null : { token, ...session };
}

/** @throws ErrataError `csrf_token_missing` unless a page of ours sent the request */
export function requireOwnPage(request: FastifyRequest, { token }: OpenSession): void {
  const site = request.headers['sec-fetch-site'];
  const foreign = site !== undefined && site !== 'same-origin';
  const proven = request.method === 'GET' || request.headers[csrfHeader] === csrfTokenOf(token);
  if (foreign || !proven)
    throw new ErrataError(
      'csrf_token_missing',
      `send the csrf_token of GET /v1/session as ${csrfHeader}, from a page here`,
    );
}
