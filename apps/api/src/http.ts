// What every answer has in common: security headers, problems for failures, 404 and 405.
import { ErrataError } from '@errata/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { inBody } from './blamed-field.ts';
import { isDefect, problemType, toProblem } from './problems.ts';

/** The API serves data only: nothing it sends may be framed, sniffed, cached or run. */
export const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
} as const;

export function registerHttpRules(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...securityHeaders, 'x-request-id': request.id });
  });

  app.setErrorHandler((thrown, request, reply) => sendProblem(thrown, request, reply));

  app.setNotFoundHandler((request, reply) => {
    const pieces = (request.url.split('?', 1)[0] ?? '').split('/');
    const allowed = app.routeTable.filter(({ url }) => matches(url.split('/'), pieces)).map(({ method }) => method);
    if (allowed.length === 0) {
      return sendProblem(new ErrataError('not_found', `there is no ${request.method} ${request.url}`), request, reply);
    }
    const verbs = [...new Set(allowed)].join(', ');
    reply.header('allow', verbs);
    return sendProblem(
      new ErrataError('method_not_allowed', `${request.method} is not among ${verbs}`),
      request,
      reply,
    );
  });
}

const matches = (pattern: readonly string[], pieces: readonly string[]) =>
  pattern.length === pieces.length && pattern.every((piece, i) => piece.startsWith(':') || piece === pieces[i]);

function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(inBody(thrown, request), request.id);
  if (isDefect(thrown)) request.log.error({ err: thrown }, 'request failed');
  const wait = problem.details?.retry_after_seconds;
  if (typeof wait === 'number') reply.header('retry-after', String(wait));
  else if (problem.retryable) reply.header('retry-after', '1');
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.status(problem.status).type(problemType).send(JSON.stringify(problem));
}
