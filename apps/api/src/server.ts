// The HTTP server: routes over open parts. It opens nothing and listens nowhere by itself, so that tests can inject requests.
import { randomUUID } from 'node:crypto';
import { isTerminal, jobStates } from '@errata/contracts';
import { actingAs, admitPerson, findKey, keyPrefix, ownerOf } from '@errata/lineage';
import { makeSnapshots } from '@errata/upkeep';
import { type AllowedAddresses, allowAddresses } from '@errata/webhooks';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import { registerAuth } from './admission/auth.ts';
import { registerDoor } from './admission/door.ts';
import { registerIdempotency } from './admission/idempotency.ts';
import { boundKeys } from './admission/per-key.ts';
import type { Provider } from './admission/provider.ts';
import { limitRequests } from './admission/rate-limit.ts';
import { limitReach } from './admission/reach.ts';
import { loginPath, requireOwnPage, sessionOf } from './admission/sessions.ts';
import { keepWarm } from './completions/keep-warm.ts';
import type { Dashboard } from './dashboard/built-files.ts';
import { isPage, serveDashboard } from './dashboard/serve.ts';
import { createEventFeed } from './events/event-feed.ts';
import { admitBrowsers } from './http/browsers.ts';
import { refuseConnection, registerHttpRules, sendProblem } from './http/http.ts';
import { longestParameter } from './http/problems.ts';
import { validatorCompiler } from './http/validation.ts';
import { createMetrics, measureRequests } from './metrics.ts';
import { registerOpenapi } from './openapi/openapi.ts';
import { type ApiLimits, type ApiParts, defaultLimits } from './parts.ts';
import { countOpenJobs, countOpenJobsOf, latestEventIds } from './queries.ts';
import { inOneTurn } from './requests/in-one-turn.ts';
import { modelReference } from './requests/model-reference.ts';
import { aliasRoutes } from './routes/aliases.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { artefactRoutes } from './routes/artefacts.ts';
import { auditRoutes } from './routes/audit.ts';
import { branchRoutes } from './routes/branches.ts';
import { bullBoardRoutes } from './routes/bull-board.ts';
import { comparisonRoutes } from './routes/comparisons.ts';
import { completionRoutes } from './routes/completions.ts';
import { datasetRoutes } from './routes/datasets.ts';
import { editJobRoutes } from './routes/edit-jobs.ts';
import { embeddingRoutes } from './routes/embeddings.ts';
import { evaluationRoutes } from './routes/evaluations.ts';
import { healthRoutes } from './routes/health.ts';
import { inboxRoutes } from './routes/inbox.ts';
import { jobRoutes } from './routes/jobs.ts';
import { keyRoutes } from './routes/keys.ts';
import { memberRoutes } from './routes/members.ts';
import { modelRoutes } from './routes/models.ts';
import { oidcRoutes } from './routes/oidc.ts';
import { policyRoutes } from './routes/policies.ts';
import { projectRoutes } from './routes/projects.ts';
import { queueRoutes } from './routes/queue.ts';
import { rollbackRoutes } from './routes/rollbacks.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { searchRoutes } from './routes/searches.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { storageRoutes } from './routes/storage.ts';
import { suiteRoutes } from './routes/suites.ts';
import { tagRoutes } from './routes/tags.ts';
import { upkeepRoutes } from './routes/upkeep.ts';
import { versionRoutes } from './routes/versions.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { traceRequests } from './traces.ts';

const headersTimeoutMs = 20_000;
/** Between looks at where the names of models that are kept warm have moved to. */
const warmLookMs = 30_000;

export interface ServerOptions {
  readonly limits?: Partial<ApiLimits>;
  /** Origins of pages that may call from a browser; `*` for all, none when left out. */
  readonly corsOrigins?: readonly string[];
  /** The built dashboard; a page that says how to build one when left out. */
  readonly dashboard?: Dashboard | undefined;
  /** Names, as completions take them, of models whose versions are kept open; none when left out. */
  readonly warmModels?: readonly string[];
  /** Where webhooks may be; at public addresses when left out. */
  readonly webhookAddresses?: AllowedAddresses;
  /** Who vouches for people; nobody when left out. */
  readonly provider?: Provider | undefined;
  /** Where requests and failures are logged; nowhere when left out. */
  readonly logger?: FastifyBaseLogger;
}

/** A server over these parts, ready to listen or to be injected. Closing it ends its event streams, and not its parts. */
export async function buildServer(parts: ApiParts, options: ServerOptions = {}): Promise<FastifyInstance> {
  const limits: ApiLimits = { ...defaultLimits, ...options.limits };
  const { lineage, servers } = parts;
  const { provider } = options;
  const app = Fastify({
    // A body that drips holds a connection for so long, and a client that reads nothing for longer, and no longer.
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.silenceMs,
    http: {
      headersTimeout: Math.min(headersTimeoutMs, limits.requestTimeoutMs),
      connectionsCheckingInterval: Math.min(5000, limits.requestTimeoutMs),
    },
    exposeHeadRoutes: false,
    // Requests are not named by their callers: a forged id would write into our log.
    requestIdHeader: false,
    genReqId: () => `req_${randomUUID().replaceAll('-', '')}`,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: longestParameter },
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    clientErrorHandler: refuseConnection,
    ...(options.logger === undefined ? { logger: false } : { loggerInstance: options.logger }),
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  const metrics = createMetrics({
    openJobs: () => countOpenJobs(lineage),
    states: jobStates.filter((state) => !isTerminal(state)),
  });
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());
  app.addHook('onSend', async (_, reply) => {
    if (closing.signal.aborted) reply.header('connection', 'close');
  });

  registerHttpRules(app, { isPage });
  await admitBrowsers(app, options.corsOrigins ?? []);
  registerDoor(app, limits.bodyLimit);
  measureRequests(app, metrics);
  registerAuth(app, {
    authenticate: inOneTurn(async (token) =>
      provider === undefined || token.startsWith(keyPrefix)
        ? findKey(lineage, token)
        : admitPerson(lineage, await provider.identify(token)),
    ),
    authenticateSession: async (request) => {
      const session = await sessionOf(lineage, request);
      if (session !== null) requireOwnPage(request, session);
      return session?.key ?? null;
    },
    actAs: actingAs,
    admit: await limitRequests(app, limits.rateLimit),
  });
  traceRequests(app);
  limitReach(app, (kind, id) => ownerOf(lineage, kind, id));
  registerIdempotency(app, lineage);
  const bounds = boundKeys(app, { ...limits, bytesPerKey: 4 * limits.bodyLimit }, (key) =>
    countOpenJobsOf(lineage, key),
  );
  await registerOpenapi(app);

  const feed = createEventFeed((jobIds) => latestEventIds(lineage, jobIds), {
    pollMs: limits.eventPollMs,
    onError: (err) => app.log.warn({ err }, 'the events table could not be read'),
  });
  const snapshots = makeSnapshots({
    lineage,
    fold: (model, source) => servers.call('snapshot', { model: modelReference(model), source }),
    onStored: (snapshot) => app.log.info(snapshot, 'stored a version whole'),
    onFailure: (err, about) => app.log.warn({ err, about }, 'no snapshot was stored'),
  });
  app.addHook('onClose', () => snapshots.settled());
  serveDashboard(app, options.dashboard);
  const warm = keepWarm({
    lineage,
    servers,
    names: options.warmModels ?? [],
    everyMs: warmLookMs,
    onFailure: (err, name) => app.log.warn({ err, name }, 'a version is not kept warm'),
  });
  app.addHook('onClose', () => warm.stop());
  // Whatever moves a name here is followed at once.
  app.addHook('onResponse', async ({ method, url }, { statusCode }) => {
    if (method !== 'GET' && url.startsWith('/v1/models') && statusCode < 300) warm.look();
  });
  await app.register(healthRoutes(parts, metrics));
  await app.register(sessionRoutes(parts, provider === undefined ? null : loginPath));
  if (provider !== undefined) await app.register(oidcRoutes(parts, provider));
  await app.register(keyRoutes(parts));
  await app.register(projectRoutes(parts));
  await app.register(memberRoutes(parts));
  await app.register(modelRoutes(parts));
  await app.register(branchRoutes(parts));
  await app.register(policyRoutes(parts));
  await app.register(tagRoutes(parts));
  await app.register(aliasRoutes(parts));
  await app.register(upkeepRoutes(parts));
  await app.register(storageRoutes(parts));
  await app.register(auditRoutes(parts));
  await app.register(versionRoutes(parts, snapshots));
  await app.register(editJobRoutes(parts));
  await app.register(datasetRoutes);
  await app.register(inboxRoutes(parts));
  await app.register(scheduleRoutes(parts));
  await app.register(
    jobRoutes(parts, { feed, heartbeatMs: limits.heartbeatMs, closing: closing.signal, metrics, bounds }),
  );
  await app.register(queueRoutes(parts));
  await app.register(bullBoardRoutes(parts));
  await app.register(approvalRoutes(parts));
  await app.register(rollbackRoutes(parts));
  await app.register(evaluationRoutes(parts));
  await app.register(comparisonRoutes(parts));
  await app.register(suiteRoutes(parts));
  await app.register(searchRoutes(parts));
  await app.register(artefactRoutes(parts));
  await app.register(webhookRoutes(parts, options.webhookAddresses ?? allowAddresses([])));
  await app.register(embeddingRoutes(parts));
  await app.register(completionRoutes(parts, { queue: limits.completionQueue, metrics, snapshots }));
  await app.ready();
  return app;
}
