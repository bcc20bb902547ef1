// One trace from what was asked of the API through the queue and a worker to its engine and the commit, told by four processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scopes } from '@errata/contracts';
import { createKey, migrate, openLineage } from '@errata/lineage';
import { freePort } from '@errata/local-services';
import { createErrata } from '@errata/sdk';
import { afterAll, expect, test } from 'vitest';
import { writeTinyModel } from './support/character-model.ts';
import { createTestDatabase } from './support/database.ts';
import { startOtlpReceiver } from './support/otlp-receiver.ts';

const folder = await mkdtemp(join(tmpdir(), 'errata-traces-'));
const database = await createTestDatabase();
const receiver = await startOtlpReceiver();
const running: ChildProcess[] = [];
afterAll(async () => {
  for (const program of running) {
    const exited = once(program, 'exit');
    if (program.exitCode === null && program.kill('SIGTERM')) await exited;
  }
  await receiver.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

async function start(name: 'api' | 'worker', environment: Readonly<Record<string, string>>): Promise<void> {
  const program = spawn(process.execPath, [`apps/${name}/bin/${name}.js`], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, ...environment, LOG_LEVEL: 'error' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  running.push(program);
  const [report] = await once(program, 'message');
  expect(report).toEqual({ ready: true });
}

test('a submission, its wait, its work and its commit are one trace, and the caller can go on with one of theirs', async () => {
  await migrate(database.url);
  const lineage = await openLineage(database.url);
  const { token, key } = await createKey(lineage, 'test', scopes);
  await lineage.close();
  const port = await freePort();
  const environment = {
    DATABASE_URL: database.url,
    BLOBS_DIR: join(folder, 'blobs'),
    PORT: String(port),
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  };
  await Promise.all([start('api', environment), start('worker', environment)]);
  const url = `http://127.0.0.1:${port}`;
  const errata = createErrata({ baseUrl: url, apiKey: token });
  const imported = await errata.models.import({ name: 'tiny', path: await writeTinyModel(folder, 1, { lines: 0 }) });
  expect(await errata.jobs.wait(imported.id)).toMatchObject({ state: 'succeeded', error: null });

  const [theirTrace, theirSpan] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  const answer = await fetch(`${url}/v1/edit_jobs`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      traceparent: `00-${theirTrace}-${theirSpan}-01`,
    },
    body: JSON.stringify({
      model: 'tiny',
      editor: 'ft-m',
      config: { layer: 1, epochs: 2 },
      gate: { rules: [] },
      edits: [{ custom_id: 'oz', prompt: 'The capital of Oz is', subject: 'Oz', target_new: ' Lyon' }],
    }),
  });
  expect(answer.status).toBe(202);
  const { id } = (await answer.json()) as { id: string };
  expect(await errata.jobs.wait(id)).toMatchObject({ state: 'succeeded', error: null });

  // Strangers leave nothing behind.
  expect((await fetch(`${url}/v1/models`)).status).toBe(401);
  const names = ['POST /v1/edit_jobs', 'engine layOutEdits', 'queue', 'job edit', 'engine applyEdits', 'commit'];
  const found = await receiver.until(() => {
    const ours = names.map((name) => receiver.spans.find((span) => span.traceId === theirTrace && span.name === name));
    return ours.every((span) => span !== undefined) ? ours : undefined;
  });
  const [submit, layOut, queue, job, apply, commit] = found as [
    (typeof found)[number] & object,
    ...(typeof found & object[]),
  ];
  expect(submit.parentSpanId).toBe(theirSpan);
  expect([layOut, queue, job, apply, commit].map((span) => span!.parentSpanId)).toEqual([
    submit.spanId,
    submit.spanId,
    queue!.spanId,
    job!.spanId,
    job!.spanId,
  ]);
  const services = ['errata-api', 'errata-engine', 'errata-worker', 'errata-worker', 'errata-engine', 'errata-worker'];
  expect(found.map((span) => span!.service)).toEqual(services);
  expect(submit.attributes).toMatchObject({ 'errata.key': key.id, 'http.response.status_code': 202 });
  expect(job!.attributes).toMatchObject({ 'errata.job': id, 'errata.job.state': 'succeeded' });
  const roots = receiver.spans.filter(({ parentSpanId }) => !parentSpanId).map(({ name }) => name);
  expect(roots).toContain('POST /v1/models');
  expect(receiver.spans.filter(({ attributes }) => attributes['http.response.status_code'] === 401)).toEqual([]);
});
