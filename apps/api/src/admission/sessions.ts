// Browsers that have signed in: a cookie that no script can read stands for an API key, and a token beside it shows that a page of ours asks.
import { csrfHeader, ErrataError, sha256 } from '@errata/contracts';
import { findSession, type Lineage, type Session } from '@errata/lineage';
import type { FastifyRequest } from 'fastify';

export interface OpenSession extends Session {
  readonly token: string;
}

/** What requests of a session other than GET bring in their header. */
export const csrfTokenOf = (token: string): string => sha256(`csrf ${token}`);

/** Cookies know of no ports, and several stacks may run on one machine. */
function cookieName(request: FastifyRequest): string {
  const port = /:(\d+)$/.exec(request.headers.host ?? '')?.[1];
  return port === undefined ? 'errata_session' : `errata_session_${port}`;
}

/**
 * The cookie of a session, or one that ends it: sent by pages of this site alone, and read by no script. Over TLS only where the page came so.
 * @param livesMs 0 takes it away
 */
export function sessionCookie(request: FastifyRequest, token: string, livesMs: number): string {
  const secure = request.headers.origin?.startsWith('https:') === true ? '; Secure' : '';
  const age = Math.floor(livesMs / 1000);
  return `${cookieName(request)}=${token}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure}`;
}

/** The session that a request brings; null where it brings none, or one that has ended. */
export async function sessionOf(lineage: Lineage, request: FastifyRequest): Promise<OpenSession | null> {
  const name = `${cookieName(request)}=`;
  const cookies = (request.headers.cookie ?? '').split('; ');
  const token = cookies.find((cookie) => cookie.startsWith(name))?.slice(name.length);
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
