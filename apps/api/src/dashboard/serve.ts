// The dashboard's files: one page for every address that a browser opens, and assets under names that change with their content.
import { ErrataError } from '@errata/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BuiltFile, Dashboard } from './built-files.ts';

/** Everything comes from here: no script or style within the page, no other host, no frame. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Whether a browser opens an address that is none of the API's: its page says what is there. */
export const isPage = ({ method, url, headers }: FastifyRequest): boolean =>
  method === 'GET' && !/^\/(?:v1|assets)(?:\/|$)/.test(url) && headers.accept?.includes('text/html') === true;

export function serveDashboard(app: FastifyInstance, dashboard: Dashboard | undefined): void {
  const config = { access: 'public' } as const;
  const schema = { hide: true };
  const sendPage = (request: FastifyRequest, reply: FastifyReply) => {
    if (dashboard === undefined) throw new ErrataError('not_found', notBuilt);
    // A new build has other assets: the page is asked for anew.
    reply.headers({ 'content-security-policy': pagePolicy, 'cache-control': 'no-cache' });
    return sendFile(request, reply, dashboard.page);
  };
  app.get('/', { config, schema }, async (request, reply) => sendPage(request, reply));
  app.setNotFoundHandler(async (request, reply) => sendPage(request, reply));

  app.get<{ Params: { asset: string } }>('/assets/:asset', { config, schema }, async (request, reply) => {
    const file = dashboard?.assets.get(request.params.asset);
    if (file === undefined) throw new ErrataError('not_found', 'the dashboard has no such file: load its page again');
    reply.header('cache-control', 'public, max-age=31536000, immutable');
    return sendFile(request, reply, file);
  });
}

const notBuilt =
  'the dashboard has not been built: run `npm run build -w apps/web`, and start the API again; its requests are answered under /v1 meanwhile';

function sendFile(request: FastifyRequest, reply: FastifyReply, { type, bodies }: BuiltFile): FastifyReply {
  const accepted = String(request.headers['accept-encoding'] ?? '');
  const encoding = (['br', 'gzip'] as const).find((name) => new RegExp(`\\b${name}\\b`).test(accepted) && bodies[name]);
  if (encoding !== undefined) reply.header('content-encoding', encoding);
  return reply
    .header('vary', 'accept-encoding')
    .type(type)
    .send(bodies[encoding ?? 'identity']);
}
