// Prometheus metrics of this process: requests by route, event streams, completions, and the work that waits in the database.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What the process knows by itself must not wait for a database that is away. */
const databaseDeadlineMs = 1000;

export interface Metrics {
  readonly contentType: string;
  /** The text that a scrape reads. */
  render(): Promise<string>;
  readonly openStreams: Gauge;
  readonly completionTokens: Counter<'kind'>;
  readonly requestSeconds: Histogram<'method' | 'route' | 'status'>;
}

export interface MetricsOptions {
  /** Jobs that have not ended, by state; read at every scrape. */
  readonly openJobs: () => Promise<ReadonlyMap<string, number>>;
  readonly states: readonly string[];
}

export function createMetrics({ openJobs, states }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'errata_api_' });
  const jobs = new Gauge({
    name: 'errata_jobs',
    help: 'Jobs that have not ended, by state; absent while the database does not answer',
    labelNames: ['state'],
    registers,
  });
  const databaseUp = new Gauge({
    name: 'errata_database_up',
    help: '1 where the database answered this scrape, else 0',
    registers,
  });
  return {
    contentType: registry.contentType,
    async render() {
      const counts = await Promise.race([
        openJobs().catch(() => null),
        sleep(databaseDeadlineMs, null, { ref: false }),
      ]);
      databaseUp.set(counts === null ? 0 : 1);
      jobs.reset();
      if (counts !== null) for (const state of states) jobs.set({ state }, counts.get(state) ?? 0);
      return registry.metrics();
    },
    openStreams: new Gauge({ name: 'errata_api_event_streams', help: 'Event streams that are open', registers }),
    completionTokens: new Counter({
      name: 'errata_api_completion_tokens_total',
      help: 'Tokens read and written by completions',
      labelNames: ['kind'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'errata_api_request_seconds',
      help: 'Time to answer a request, by the pattern of its route',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
      registers,
    }),
  };
}

export function measureRequests(app: FastifyInstance, { requestSeconds }: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    // Patterns only: paths that do not exist would make a series each.
    const route = request.routeOptions.url ?? 'none';
    requestSeconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
}
