// Which addresses messages may go to: public ones over TLS, and what the operator has named.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { ErrataError } from '@errata/contracts';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

export interface AllowedAddresses {
  /** Whether an address may be connected to. What is sent without TLS goes to named ranges only. */
  permits(address: string, secure: boolean): boolean;
}

export interface Resolved {
  readonly address: string;
  readonly family: number;
}
/** Finds the addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly Resolved[]>;

/** As every program of this machine does. */
export const systemResolve: Resolve = (host) => lookup(host, { all: true });

/**
 * Public addresses, and those of the ranges given: `10.0.0.0/8`, `fd00::/8`, or a single address. Loopback, private, link-local and
 * reserved ranges are not public, nor are those that lead into IPv4 by translation.
 * @throws ErrataError `invalid_request` for what is no range
 */
export function allowAddresses(ranges: readonly string[]): AllowedAddresses {
  const named = ranges.map(readRange);
  return {
    permits: (address, secure) => {
      if (!ipaddr.isValid(address)) return false;
      // An IPv4 address that is written as one of IPv6 is the former.
      const given = ipaddr.process(address);
      if (named.some(([base, bits]) => base.kind() === given.kind() && given.match(base, bits))) return true;
      return secure && given.range() === 'unicast';
    },
  };
}

/** Ranges with commas between, as a setting has them. */
export const addressRangesSchema = z.string().transform((text, context) => {
  const ranges = text
    .split(',')
    .map((range) => range.trim())
    .filter((range) => range !== '');
  try {
    return allowAddresses(ranges);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

function readRange(range: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (ipaddr.isValidCIDR(range)) return ipaddr.parseCIDR(range);
  if (isIP(range) !== 0) return ipaddr.parseCIDR(`${range}/${isIP(range) === 4 ? 32 : 128}`);
  const message = `${JSON.stringify(range)} is no range of addresses, as 10.0.0.0/8 or fd00::/8`;
  throw new ErrataError('invalid_request', message);
}

/** The host of a URL without the brackets of an IPv6 address. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/**
 * The addresses of a URL's host, all of which may be sent to: one that may not speaks against the name, however many others it has.
 * @throws ErrataError `invalid_request` naming the first that may not
 */
export async function addressesOf(url: URL, allowed: AllowedAddresses, resolve: Resolve): Promise<readonly Resolved[]> {
  const host = hostOf(url);
  const literal = isIP(host);
  const found = literal === 0 ? await resolve(host) : [{ address: host, family: literal }];
  const secure = url.protocol === 'https:';
  const refused = found.find(({ address }) => !allowed.permits(address, secure));
  if (refused === undefined) return found;
  const where = literal === 0 ? `${host} is at ${refused.address}, which` : host;
  const why = allowed.permits(refused.address, true)
    ? 'is sent to by https only'
    : 'is not an address that may be sent to';
  throw new ErrataError('invalid_request', `${where} ${why}`);
}

/**
 * Refuses a URL that no message could be sent to. A name that nobody knows at this moment passes.
 * @throws ErrataError `invalid_request`
 */
export async function requireAllowed(url: string, allowed: AllowedAddresses, resolve = systemResolve): Promise<void> {
  try {
    await addressesOf(new URL(url), allowed, resolve);
  } catch (error) {
    if (!(error instanceof ErrataError)) return;
    const message = `url: ${error.message}`;
    throw new ErrataError('invalid_request', message, { errors: [{ code: 'invalid_request', field: 'url', message }] });
  }
}
