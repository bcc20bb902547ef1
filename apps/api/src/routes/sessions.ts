// Sessions: a browser signs in with an API key, or a link that stands for one, and out again.
import { ErrataError, type SessionResource, sessionRequestSchema, sessionSchema } from '@errata/contracts';
import { endSession, findKey, openSession, sessionMs, useSignInLink } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { csrfTokenOf, type OpenSession, requireOwnPage, sessionCookie, sessionOf } from '../admission/sessions.ts';
import type { ApiParts } from '../parts.ts';

const tags = ['service'];
const config = { access: 'public' } as const;
const shownSession = (
  { token, key: { id, name, scopes }, expiresAt }: OpenSession,
  login_url: string | null,
): SessionResource => ({
  object: 'session',
  key: { id, name, scopes: [...scopes] },
  login_url,
  csrf_token: csrfTokenOf(token),
  expires_at: expiresAt.toISOString(),
});

export const sessionRoutes =
  ({ lineage }: Pick<ApiParts, 'lineage'>, login_url: string | null): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/v1/session',
      {
        config,
        schema: {
          tags,
          summary: 'Sign a browser in',
          description: 'Answers with a cookie that stands for the key, for a week at most: no script can read it.',
          body: sessionRequestSchema,
          response: { 201: sessionSchema },
        },
      },
      async (request, reply) => {
        const { body } = request;
        const key = 'link' in body ? await useSignInLink(lineage, body.link) : await findKey(lineage, body.api_key);
        if (key === null) throw new ErrataError('unauthorized', 'link' in body ? usedLink : unknownKey);
        const { token, expiresAt } = await openSession(lineage, key.id);
        reply.header('set-cookie', sessionCookie(request, token, sessionMs));
        return reply.status(201).send(shownSession({ token, key, expiresAt }, login_url));
      },
    );

    app.get(
      '/v1/session',
      { config, schema: { tags, summary: 'Who is signed in', response: { 200: sessionSchema } } },
      async (request) => {
        const session = await sessionOf(lineage, request);
        if (session !== null) return shownSession(session, login_url);
        return { object: 'session' as const, key: null, login_url, csrf_token: null, expires_at: null };
      },
    );

    app.delete(
      '/v1/session',
      { config, schema: { tags, summary: 'Sign out', response: { 204: z.undefined().describe('Signed out') } } },
      async (request, reply) => {
        const session = await sessionOf(lineage, request);
        if (session !== null) {
          requireOwnPage(request, session);
          await endSession(lineage, session.token);
        }
        return reply
          .header('set-cookie', sessionCookie(request, '', 0))
          .status(204)
          .send();
      },
    );
  };

const usedLink = 'this link was used, or is older than ten minutes: `npx errata dashboard` prints another';
const unknownKey = 'this API key does not exist or has been revoked';
