// Who asks, and whether they may: bearer keys, or a browser's session that stands for one, with a scope for every route.
import { ErrataError, type JobKind, needsOfJob, requireNeeds, type Scope } from '@errata/contracts';
import type { Reach } from '@errata/lineage';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface Caller {
  /** The id of the API key, or of a person. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly reach: Reach;
}

export interface RouteAccess {
  readonly method: string;
  readonly url: string;
  readonly access: Scope | 'public';
  /** Whether the API's description leaves it out. */
  readonly hidden: boolean;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Every route with the access it declares. */
    routeTable: readonly RouteAccess[];
  }
  interface FastifyContextConfig {
    /** The scope that a route needs, or `public`. Every route declares one: the server refuses to start otherwise. */
    access?: Scope | 'public';
    /** Whether its answers hold what must not be stored: they are not kept for replays. */
    tellsSecret?: boolean;
  }
  interface FastifyRequest {
    /** Set on every route that is not public. */
    caller: Caller | null;
    /** Looks once more who asks, with all that they may do now. @throws ErrataError `unauthorized` */
    identifyAgain: () => Promise<Caller>;
  }
}

export interface AuthOptions {
  /** Looks a key or a person's token up; null when there is none of this value, or it was revoked. */
  readonly authenticate: (key: string) => Promise<Caller | null>;
  /** Who a browser's session stands for; null where the request brings none. @throws ErrataError `csrf_token_missing` */
  readonly authenticateSession: (request: FastifyRequest) => Promise<Caller | null>;
  /** Runs what a request does in the name of its key. */
  readonly actAs: (keyId: string, work: () => void) => void;
  /** Called for each authenticated request before its body is read. */
  readonly admit: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
}

// Far longer than any key, and than tokens of people: what is longer is not worth looking at.
const longestToken = 8192;

/** Checks every request before its body is read. */
export function registerAuth(
  app: FastifyInstance,
  { authenticate, authenticateSession, actAs, admit }: AuthOptions,
): void {
  const table: RouteAccess[] = [];
  app.decorate('routeTable', table);
  app.decorateRequest('caller', null);
  app.decorateRequest('identifyAgain', async () => {
    throw new ErrataError('unauthorized', howToSend);
  });
  app.addHook('onRoute', ({ method, url, config, schema }) => {
    const access = config?.access;
    if (access === undefined) throw new Error(`${method} ${url} does not declare its access`);
    for (const each of [method].flat()) table.push({ method: each, url, access, hidden: schema?.hide === true });
  });
  app.addHook('onRequest', async (request, reply) => {
    const access = request.routeOptions.config.access;
    if (access === undefined || access === 'public') return;
    const { authorization } = request.headers;
    request.identifyAgain = async () =>
      authorization === undefined ? identifySession(request) : identifyKey(authorization);
    request.caller = await request.identifyAgain();
    await admit(request, reply);
    requireScope(request);
  });
  // Behind the body, whose events come from its connection.
  app.addHook('preHandler', (request, _, done) => {
    if (request.caller === null) done();
    else actAs(request.caller.id, done);
  });

  async function identifyKey(authorization: string): Promise<Caller> {
    const key = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    if (key === undefined || key.length > longestToken) throw new ErrataError('unauthorized', howToSend);
    const caller = await authenticate(key);
    if (caller === null) throw new ErrataError('unauthorized', 'this API key does not exist or has been revoked');
    return caller;
  }

  async function identifySession(request: FastifyRequest): Promise<Caller> {
    const caller = await authenticateSession(request);
    if (caller === null) throw new ErrataError('unauthorized', howToSend);
    return caller;
  }
}

const howToSend = 'send an API key as "Authorization: Bearer <key>"';

/** @throws ErrataError `missing_scope` unless the caller has that of the route */
export function requireScope(request: FastifyRequest, caller = callerOf(request)): void {
  const scope = request.routeOptions.config.access;
  if (scope !== undefined && scope !== 'public') requireNeeds(caller.scopes, [{ scope, why: '' }]);
}

/** The caller of a route that is not public. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Error(`${request.routeOptions.url} is public: it has no caller`);
  return request.caller;
}

/** The caller, who may submit, stop or repeat such a job. @throws ErrataError `missing_scope` */
export function callerFor(
  request: FastifyRequest,
  job: { readonly kind: JobKind; readonly input: Readonly<Record<string, unknown>> },
): Caller {
  const caller = callerOf(request);
  requireNeeds(caller.scopes, needsOfJob(job));
  return caller;
}
