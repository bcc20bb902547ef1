// Signing in at the organisation's provider of identities: a browser goes there, and comes back with a code.
import { ErrataError } from '@errata/contracts';
import { admitPerson, openSession, personSessionMs } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callbackPath, type Pending, type Provider } from '../admission/provider.ts';
import { cookieOf, loginPath, pendingCookie, sessionCookie } from '../admission/sessions.ts';
import type { ApiParts } from '../parts.ts';

const config = { access: 'public' } as const;
/** For browsers, not for programs. */
const schema = { hide: true } as const;

export const oidcRoutes =
  ({ lineage }: Pick<ApiParts, 'lineage'>, provider: Provider): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(loginPath, { config, schema }, async (request, reply) => {
      const { url, pending } = await provider.begin();
      return reply.header('set-cookie', pendingCookie(request, encode(pending), provider.overTls)).redirect(url);
    });

    // Its address has what opens a door: it is not in the log of requests.
    app.get(callbackPath, { config, schema, logLevel: 'warn' }, async (request, reply) => {
      const pending = decode(cookieOf(request, 'pending'));
      const person = await admitPerson(lineage, await provider.finish(request.url, pending));
      if (person === null) throw new ErrataError('unauthorized', 'this account was turned out');
      const { token } = await openSession(lineage, person.id, personSessionMs);
      return reply
        .header('set-cookie', [
          pendingCookie(request, '', provider.overTls),
          sessionCookie(request, token, personSessionMs, provider.overTls),
        ])
        .redirect('/');
    });
  };

const encode = ({ state, nonce, verifier }: Pending): string => [state, nonce, verifier].join('.');

function decode(text = ''): Pending {
  const [state, nonce, verifier] = text.split('.');
  if (state && nonce && verifier) return { state, nonce, verifier };
  throw new ErrataError('unauthorized', 'this sign-in was not begun here, or is over: begin again');
}
