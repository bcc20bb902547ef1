// Bull Board, for the raw queue: its page and files are anybody's, as the dashboard's are, and what it shows is an administrator's.
import { extname } from 'node:path';
import { ErrataError } from '@errata/contracts';
import type { Board } from '@errata/queue';
import type { FastifyPluginAsync } from 'fastify';
import type { ApiParts } from '../parts.ts';

const place = '/bull-board';

/** As the dashboard's, but for styles, which this page writes into its markup, and for its base. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
};

export const bullBoardRoutes =
  ({ dispatch }: Pick<ApiParts, 'dispatch'>): FastifyPluginAsync =>
  async (app) => {
    let opening: Promise<Board> | undefined;
    const open = () => {
      opening ??= dispatch.board({ title: 'Errata, the raw queue', back: { text: 'Back to Errata', url: '/queue' } });
      return opening;
    };
    const schema = { hide: true };
    const anybody = { access: 'public' } as const;

    for (const path of [place, `${place}/*`])
      app.get(path, { config: anybody, schema }, async (_, reply) => {
        const page = await (await open()).page(place);
        return reply
          .headers({ 'content-security-policy': policy, 'cache-control': 'no-cache' })
          .type('text/html; charset=utf-8')
          .send(page);
      });

    app.get<{ Params: { '*': string } }>(`${place}/static/*`, { config: anybody, schema }, async (request, reply) => {
      const path = request.params['*'];
      const file = await (await open()).file(path);
      if (file === null) throw new ErrataError('not_found', 'there is no such file: load the page again');
      // Scripts and styles have names that change with their content.
      if (/^(?:js|css)\//.test(path)) reply.header('cache-control', 'public, max-age=31536000, immutable');
      return reply.type(types[extname(path)] ?? 'application/octet-stream').send(file);
    });

    app.get<{ Params: { '*': string }; Querystring: Record<string, unknown> }>(
      `${place}/api/*`,
      { config: { access: 'admin' }, schema },
      async (request, reply) => {
        const answer = await (await open()).answer(`/api/${request.params['*']}`, request.query);
        if (answer === null) throw new ErrataError('not_found', 'the board shows no such thing');
        return reply.status(answer.status).send(answer.body);
      },
    );
  };
