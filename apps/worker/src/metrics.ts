// What a worker tells its operators: health and metrics over HTTP.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JobKind, JobState, RunOutcome } from '@errata/contracts';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface WorkerMetrics {
  readonly registry: Registry;
  jobEnded(kind: JobKind, state: JobState, seconds: number): void;
  wakeUpAnswered(outcome: 'worked' | 'empty'): void;
  leaseLost(): void;
  lanesReconciled(count: number): void;
  scheduleRan(outcome: RunOutcome): void;
  laneHeld(change: 1 | -1): void;
  snapshotStored(bytes: number): void;
  webhookSent(outcome: 'delivered' | 'failed' | 'given_up'): void;
}

/** A registry of its own, so that several workers can live in one process. */
export function createMetrics(engineRss: () => number): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const jobs = new Counter({
    name: 'errata_worker_jobs_total',
    help: 'Attempts at jobs by the state they led to',
    labelNames: ['kind', 'state'],
    registers,
  });
  const seconds = new Histogram({
    name: 'errata_worker_job_seconds',
    help: 'Duration of an attempt',
    labelNames: ['kind'],
    buckets: [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000],
    registers,
  });
  const wakeUps = new Counter({
    name: 'errata_worker_wake_ups_total',
    help: 'Wake-ups taken from the queue by what they found',
    labelNames: ['outcome'],
    registers,
  });
  const lost = new Counter({ name: 'errata_worker_leases_lost_total', help: 'Leases taken over by others', registers });
  const reconciled = new Counter({
    name: 'errata_worker_lanes_reconciled_total',
    help: 'Wake-ups that the reconciler added for lanes that nobody worked',
    registers,
  });
  const runs = new Counter({
    name: 'errata_worker_schedule_runs_total',
    help: 'Runs of schedules by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const snapshots = new Counter({ name: 'errata_worker_snapshots_total', help: 'Versions stored whole', registers });
  const snapshotBytes = new Counter({
    name: 'errata_worker_snapshot_bytes_total',
    help: 'Bytes of versions stored whole',
    registers,
  });
  const webhooks = new Counter({
    name: 'errata_worker_webhook_attempts_total',
    help: 'Attempts at sending webhooks by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const held = new Gauge({ name: 'errata_worker_lanes_held', help: 'Lanes being worked', registers });
  new Gauge({
    name: 'errata_worker_engine_resident_bytes',
    help: 'Resident memory of the engine process',
    registers,
    collect() {
      this.set(engineRss());
    },
  });
  return {
    registry,
    jobEnded: (kind, state, duration) => {
      jobs.inc({ kind, state });
      seconds.observe({ kind }, duration);
    },
    wakeUpAnswered: (outcome) => wakeUps.inc({ outcome }),
    leaseLost: () => lost.inc(),
    lanesReconciled: (count) => reconciled.inc(count),
    scheduleRan: (outcome) => runs.inc({ outcome }),
    laneHeld: (change) => held.inc(change),
    webhookSent: (outcome) => webhooks.inc({ outcome }),
    snapshotStored: (bytes) => {
      snapshots.inc();
      snapshotBytes.inc(bytes);
    },
  };
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves `/healthz` (alive), `/readyz` (503 with reasons while something is missing) and `/metrics`. */
export async function serveMetrics(
  registry: Registry,
  problems: () => Promise<readonly string[]>,
  address: { readonly host: string; readonly port: number },
): Promise<MetricsServer> {
  const server = createServer(async (request, response) => {
    const answer = (status: number, type: string, body: string) =>
      response.writeHead(status, { 'content-type': type }).end(body);
    try {
      if (request.method !== 'GET') return answer(405, 'text/plain', 'only GET\n');
      switch (request.url) {
        case '/healthz':
          return answer(200, 'application/json', '{"status":"ok"}');
        case '/readyz': {
          const found = await problems();
          const status = found.length === 0 ? 'ok' : 'unavailable';
          return answer(
            found.length === 0 ? 200 : 503,
            'application/json',
            JSON.stringify({ status, problems: found }),
          );
        }
        case '/metrics':
          return answer(200, registry.contentType, await registry.metrics());
        default:
          return answer(404, 'text/plain', 'there are /healthz, /readyz and /metrics\n');
      }
    } catch (error) {
      return answer(500, 'text/plain', `${error instanceof Error ? error.message : 'failed'}\n`);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
