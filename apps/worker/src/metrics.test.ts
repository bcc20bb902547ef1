// What operators can read off a worker.
import { afterAll, expect, test } from 'vitest';
import { createMetrics, serveMetrics } from './metrics.ts';

const metrics = createMetrics(() => 12_345);
const problems: string[] = [];
const server = await serveMetrics(metrics.registry, async () => problems, { host: '127.0.0.1', port: 0 });
afterAll(() => server.close());
const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);

test('jobs are counted by kind and state', async () => {
  metrics.jobEnded('edit', 'succeeded', 2);
  metrics.jobEnded('edit', 'gated_out', 1);
  metrics.wakeUpAnswered('worked');
  const answer = await get('/metrics');
  expect(answer.headers.get('content-type')).toContain('text/plain');
  const text = await answer.text();
  expect(text).toContain('errata_worker_jobs_total{kind="edit",state="gated_out"} 1');
  expect(text).toContain('errata_worker_job_seconds_sum{kind="edit"} 3');
  expect(text).toContain('errata_worker_wake_ups_total{outcome="worked"} 1');
  expect(text).toContain('errata_worker_engine_resident_bytes 12345');
});

test('a worker is alive, and ready only when nothing is missing', async () => {
  expect((await get('/healthz')).status).toBe(200);
  expect((await get('/readyz')).status).toBe(200);
  problems.push('database: connection refused');
  const answer = await get('/readyz');
  expect(answer.status).toBe(503);
  expect(await answer.json()).toEqual({ status: 'unavailable', problems: ['database: connection refused'] });
  expect((await get('/secrets')).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${server.port}/metrics`, { method: 'POST' })).status).toBe(405);
});
