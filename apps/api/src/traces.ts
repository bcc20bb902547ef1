// Traces of requests: each that a key let in is a span, and what is done for it is part of that. Strangers make none.
import { isTracing, type OpenSpan, startSpan } from '@errata/tracing';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Register it behind authentication. Nothing is registered where nothing is traced. */
export function traceRequests(app: FastifyInstance): void {
  if (!isTracing()) return;
  const spans = new WeakMap<FastifyRequest, OpenSpan>();
  app.addHook('onRequest', async (request) => {
    if (request.caller === null) return;
    const { method, routeOptions, headers, id, caller } = request;
    const route = routeOptions.url ?? 'none';
    const span = startSpan(`${method} ${route}`, {
      kind: 'server',
      ...(typeof headers.traceparent === 'string' ? { parent: headers.traceparent } : {}),
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'errata.request': id,
        'errata.key': caller.id,
      },
    });
    if (span !== undefined) spans.set(request, span);
  });
  // Behind the body, whose events come from its connection.
  app.addHook('preHandler', (request, _, done) => {
    const span = spans.get(request);
    if (span === undefined) done();
    else span.within(done);
  });
  app.addHook('onResponse', async (request, { statusCode }) => {
    const attributes = { 'http.response.status_code': statusCode };
    spans.get(request)?.end({ attributes, ...(statusCode >= 500 ? { error: { code: String(statusCode) } } : {}) });
  });
}
