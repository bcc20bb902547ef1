// What every answer has in common: security headers, problems for failures, 404 and 405.
import { METHODS } from 'node:http';
import type { Duplex } from 'node:stream';
import { ErrataError, type Problem, quoted } from '@errata/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { inBody } from './blamed-field.ts';
import { isDefect, problemType, toProblem } from './problems.ts';

/** What the API sends is data: nothing of it may be framed, sniffed, cached or run. The dashboard's files say otherwise of themselves. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
} as const;

export interface HttpRules {
  /** Whether an address at which nothing is answers all the same, with the dashboard's page. */
  readonly isPage: (request: FastifyRequest) => boolean;
}

export function registerHttpRules(app: FastifyInstance, { isPage }: HttpRules): void {
  // Every verb there is reaches the hooks, and with them its 405.
  for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...securityHeaders, 'x-request-id': request.id });
    // Before anybody is asked for a key or a body is read.
    if (request.is404 && !isPage(request)) throw nowhere(app, request, reply);
  });

  app.setErrorHandler((thrown, request, reply) => sendProblem(thrown, request, reply));

  app.server.on('connect', (_, socket: Duplex) =>
    refuseConnection(new ErrataError('method_not_allowed', 'CONNECT is not among the verbs of this service'), socket),
  );
  // An expectation that nobody knows is none.
  app.server.on('checkExpectation', (request, response) => app.routing(request, response));
}

function nowhere(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): ErrataError {
  const pieces = (request.url.split('?', 1)[0] ?? '').split('/');
  const allowed = app.routeTable.filter(({ url }) => matches(url.split('/'), pieces)).map(({ method }) => method);
  if (allowed.length === 0)
    return new ErrataError('not_found', `there is no ${request.method} ${quoted(request.url).slice(1, -1)}`);
  const verbs = [...new Set(allowed)].join(', ');
  reply.header('allow', verbs);
  return new ErrataError('method_not_allowed', `${request.method} is not among ${verbs}`);
}

const matches = (pattern: readonly string[], pieces: readonly string[]) =>
  pattern.length === pieces.length && pattern.every((piece, i) => piece.startsWith(':') || piece === pieces[i]);

/** Answers a failure, also of requests that reached no route. */
export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (reply.raw.destroyed) request.log.info('the caller hung up');
  else if (isDefect(thrown)) request.log.error({ err: thrown }, 'request failed');
  const problem = toProblem(inBody(thrown, request), request.id);
  // What is left of a body that nobody will read must not keep the connection.
  if (bringsBody(request) && !request.raw.complete) reply.header('connection', 'close');
  return reply
    .headers({ ...securityHeaders, 'x-request-id': request.id, ...headersOf(problem) })
    .status(problem.status)
    .type(problemType)
    .send(JSON.stringify(problem));
}

const bringsBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

function headersOf({ status, retryable, details }: Problem): Record<string, string> {
  const wait = details?.retry_after_seconds;
  return {
    ...(typeof wait === 'number' ? { 'retry-after': String(wait) } : retryable ? { 'retry-after': '1' } : {}),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  };
}

/** Answers what is no request that could be routed, or did not come in time, and closes its connection. */
export function refuseConnection(thrown: Error & { readonly code?: string }, socket: Duplex): void {
  if (thrown.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = toProblem(thrown, 'none');
  const body = JSON.stringify(problem);
  const headers = {
    ...securityHeaders,
    ...headersOf(problem),
    'content-type': problemType,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join('')}\r\n${body}`, () => socket.destroy());
}
