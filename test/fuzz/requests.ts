// Sends requests that were made up to a real server on a real database, and says which of them it did not answer as it should.
import { setTimeout as sleep } from 'node:timers/promises';
import { openDiskStore } from '@errata/blobs';
import { problemSchema, sha256 } from '@errata/contracts';
import { noteWorker } from '@errata/lineage';
import { decoderSpec, encodeDelta, valueMatrix } from '@errata/models';
import type { InjectOptions } from 'fastify';
import { anEdit, openApi } from '../support/api.ts';
import { tinyConfig, writeTinyModel } from '../support/tiny-model.ts';
import { createGenerator, type MadeRequest } from './generate.ts';

export interface Finding {
  readonly number: number;
  readonly request: MadeRequest;
  readonly status: number;
  readonly why: string;
  readonly answer: string;
}

export interface FuzzReport {
  readonly sent: number;
  readonly seconds: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Event streams of jobs that have not ended, which were left: they have no status to be judged by. */
  readonly left: number;
  /** Operations that were answered with success at least once, and the others. */
  readonly operations: { readonly succeeded: number; readonly never: readonly string[] };
  readonly largest: number;
  readonly findings: readonly Finding[];
}

export interface FuzzOptions {
  readonly count: number;
  readonly seed: number;
  /** Where databases are made; the test run's server when left out. */
  readonly postgresUrl?: string;
  readonly onProgress?: (sent: number, findings: number) => void;
}

/** Bytes of an answer at most: a page of the largest things there are, or a checkpoint of the tiny model. */
const largestAnswer = 4 * 2 ** 20;
/** Requests on their way at once: one waits for the database while another is parsed. */
const atOnce = 4;
/** A stream of a job that has not ended goes on: it is left after so long. */
const streamMs = 100;

export async function fuzz({ count, seed, postgresUrl, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const api = await openApi({ heartbeatMs: 15_000, eventPollMs: 250, jobsPerKey: 0 }, { postgresUrl });
  try {
    const generator = createGenerator(api.app.swagger(), seed);
    await prepare(api, generator.teach);
    const lesser = await api.keyWith('models:read');
    const none = await api.keyWith();
    const tokens = [api.key, lesser, none];
    const statuses: Record<string, number> = {};
    const succeeded = new Set<string>();
    const findings: Finding[] = [];
    const operations = new Set<string>();
    let largest = 0;
    let sent = 0;
    let left = 0;
    const begun = performance.now();

    async function one(number: number): Promise<void> {
      const request = generator.next(tokens);
      const { operation, ...injected } = request;
      operations.add(operation);
      const answered = api.app.inject(injected as InjectOptions);
      const answer = await Promise.race([
        answered,
        ...(request.headers.accept === 'text/event-stream' ? [sleep(streamMs, null)] : []),
      ]);
      if (answer === null) {
        left += 1;
        return;
      }
      const { statusCode: status, rawPayload, headers } = answer;
      statuses[status] = (statuses[status] ?? 0) + 1;
      largest = Math.max(largest, rawPayload.length);
      const type = String(headers['content-type'] ?? '');
      const body = /json/.test(type) ? parsed(answer.payload) : undefined;
      const why = request.method === 'HEAD' ? null : complaintOf(status, type, body, rawPayload.length);
      if (why !== null) findings.push({ number, request, status, why, answer: answer.payload.slice(0, 500) });
      if (status < 300) {
        succeeded.add(operation);
        generator.learn(body);
        await goOn(operation);
      }
    }

    /** The keys of this run, and the worker that stands for all, are not among what it ends. */
    async function goOn(operation: string): Promise<void> {
      if (operation.includes('/v1/keys/')) {
        const hashes = tokens.map((token) => sha256(token));
        await api.query('UPDATE api_keys SET revoked_at = NULL, expires_at = NULL WHERE hash = ANY($1)', [hashes]);
      }
      if (operation.includes('/v1/workers/')) await api.query('UPDATE workers SET drain = false');
    }

    async function sender(): Promise<void> {
      while (sent < count) {
        const number = ++sent;
        await one(number);
        if (number % 1000 === 0) onProgress?.(number, findings.length);
      }
    }
    await Promise.all(Array.from({ length: atOnce }, sender));
    return {
      sent,
      seconds: (performance.now() - begun) / 1000,
      statuses,
      left,
      operations: {
        succeeded: succeeded.size,
        never: [...operations].filter((operation) => !succeeded.has(operation)).sort(),
      },
      largest,
      findings,
    };
  } finally {
    await api.close();
  }
}

/** What is wrong with an answer; null when nothing is. */
function complaintOf(status: number, type: string, body: unknown, bytes: number): string | null {
  if (status >= 500) return 'a failure of the service';
  if (bytes > largestAnswer) return `an answer of ${bytes} bytes`;
  if (status < 400) return null;
  if (!type.startsWith('application/problem+json')) return `an error as ${type || 'nothing'}`;
  const problem = problemSchema.safeParse(body);
  if (!problem.success) return 'an error that is no problem document';
  return problem.data.status === status ? null : 'a problem of another status';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Api = Awaited<ReturnType<typeof openApi>>;

/** A model that can be asked, with an edited branch, so that most of what requests name is there. */
async function prepare(api: Api, teach: (kind: string, name: string) => void): Promise<void> {
  // Nobody works here, and the service should think itself ready.
  await noteWorker(api.lineage, 'fuzz', 86_400_000);
  const tiny = await writeTinyModel();
  const { digest, files } = await api.engine.call('importModel', { path: tiny.path });
  tiny.remove();
  const stored = files.map(({ name, sha256, size }) => ({ path: name, blob: sha256, bytes: size }));
  const { id, lane, root, branch } = await api.importModel('tiny', stored, digest);
  const store = await openDiskStore(api.blobsDir);
  const { weight: tensor, inSize, outSize } = valueMatrix(decoderSpec(tinyConfig), 1);
  const [left, right] = [inSize, outSize].map((size) => Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1)));
  const { sha256: blob } = await store.put(
    encodeDelta({ kind: 'low_rank', tensor, rank: 1, left: left!, right: right! }),
  );
  const { body } = await api.post('/v1/edit_jobs', { model: 'tiny', edits: [anEdit('Chad')] });
  const version = await api.carryOut(lane, { kind: 'low_rank', blob });
  for (const name of ['side', 'other']) await api.post('/v1/models/tiny/branches', { name });
  await api.post('/v1/models/tiny/tags', { name: 'first', version: root });
  await api.call('PUT', '/v1/models/tiny/aliases/production', { body: { version: 'main' } });
  await api.post('/v1/suites', { name: 'small', probes: [{ prompt: 'The capital of Chad is', target: 'Lyon' }] });
  for (const [kind, name] of [
    ['model', 'tiny'],
    ['model', id],
    ['branch', 'main'],
    ['branch', 'side'],
    ['branch', 'other'],
    ['branch_id', branch],
    ['version', root],
    ['version', version],
    ['tag', 'first'],
    ['alias', 'production'],
    ['suite', 'small'],
    ['job', body.id],
    ['editor', 'r-rome'],
    ['editor', 'ft-m'],
  ] as const)
    teach(kind, name);
}
