// Telling an outage of the database from a defect of ours.
import { ErrataError } from '@errata/contracts';
import { Prisma } from '../generated/client.ts';

// Prisma: unreachable, timed out, connection closed, no connection free, no transaction begun in time.
const prismaCodes = ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028'];
// The system's and PostgreSQL's own (class 08, and shutting down, crashed, starting).
const otherCodes = /^(ECONN|EPIPE|ENOTFOUND|EHOSTUNREACH|ETIMEDOUT|08|57P0[123])/;
// What the driver says, without a code, of a connection that broke under it.
const brokenConnection =
  /connection terminated|connection error and is not queryable|timeout exceeded when trying to connect/i;

// What the driver's adapter calls those, where SQL of ours fails: its words are in what Prisma adds to P2010.
const adapterKinds = ['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections'];

interface AdapterFailure {
  readonly driverAdapterError?: { readonly cause?: { readonly kind?: string; readonly originalCode?: string } };
}

function failedOnTheWay({ code, meta }: Prisma.PrismaClientKnownRequestError): boolean {
  if (prismaCodes.includes(code)) return true;
  const { kind = '', originalCode = '' } = (meta as AdapterFailure | undefined)?.driverAdapterError?.cause ?? {};
  return adapterKinds.includes(kind) || otherCodes.test(originalCode);
}

/** `unavailable` for a failure that lies in the database or on the way to it; anything else is returned as it is. */
export function explainOutage(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof ErrataError) return thrown;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  const prisma = thrown instanceof Prisma.PrismaClientKnownRequestError && failedOnTheWay(thrown);
  // A server on a socket that is not there, or that nobody listens at any more.
  const unconnected = 'syscall' in thrown && thrown.syscall === 'connect';
  if (!prisma && !unconnected && !otherCodes.test(code) && !brokenConnection.test(thrown.message)) return thrown;
  return new ErrataError('unavailable', 'the database cannot be reached', { cause: thrown });
}
