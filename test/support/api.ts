// What the tests of the API share: a server over a real database, queue and engine client, and jobs carried out by hand.
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskStore, viewPlace } from '@errata/blobs';
import { type DeltaReference, type EditResult, type Scope, scopes, sha256 } from '@errata/contracts';
import { startEngine, startServing } from '@errata/engine';
import {
  acquireLease,
  branchLane,
  commitImport,
  commitVersion,
  createKey,
  type ModelFile,
  migrate,
  moveJob,
  openBranchWork,
  openLineage,
  releaseLease,
  submitImport,
  type TakenJob,
  takeNextJob,
  upon,
} from '@errata/lineage';
import { openDispatch } from '@errata/queue';
import { allowAddresses } from '@errata/webhooks';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { type ApiLimits, buildServer, type ServerOptions } from '../../apps/api/src/index.ts';
import { createDatabaseAt, createTestDatabase, lineTo } from './database.ts';
import { byteTokenizer } from './tiny-model.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are what the tests look into
  readonly body: any;
}

export interface CallOptions {
  /** The key with every scope unless given; null for none. */
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type ApiFixture = Awaited<ReturnType<typeof openApi>>;

export async function openApi(
  limits: Partial<ApiLimits> = {},
  {
    proxied,
    postgresUrl,
    engines = 1,
    threads = 1,
  }: {
    readonly proxied?: 'database' | 'queue';
    /** Where the database is made; the test run's server when left out. */
    readonly postgresUrl?: string | undefined;
    /** Processes that serve. */
    readonly engines?: number;
    /** Of each of these. */
    readonly threads?: number;
  } = {},
) {
  const database = await (postgresUrl === undefined ? createTestDatabase() : createDatabaseAt(postgresUrl));
  await migrate(database.url);
  const line = await openLine(database.url);
  const lineage = await openLineage(proxied === 'database' ? line.url : database.url);
  const dispatch = await openDispatch(proxied === 'queue' ? line.url : database.url);
  const blobsDir = await mkdtemp(join(tmpdir(), 'errata-api-'));
  const engine = startEngine({ blobsDir, threads: 2 });
  const tokenizers = startEngine({ blobsDir, threads: 2 });
  const servers = startServing({ blobsDir, threads }, engines);
  const another = (
    options: Pick<ServerOptions, 'logger' | 'corsOrigins' | 'dashboard' | 'warmModels' | 'provider'> = {},
  ): Promise<FastifyInstance> =>
    buildServer(
      { lineage, dispatch, blobs: viewPlace({ blobsDir }), servers, engine, tokenizers },
      {
        ...options,
        webhookAddresses: allowAddresses(['127.0.0.1']),
        limits: { eventPollMs: 5, heartbeatMs: 20, ...limits },
      },
    );
  const app = await another();
  const keyWith = async (...given: readonly Scope[]) => (await createKey(lineage, 'test', given)).token;
  const all = await keyWith(...scopes);

  async function call(
    method: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH',
    url: string,
    options: CallOptions = {},
  ): Promise<Answer> {
    const { token = all, body, headers } = options;
    const response = await app.inject({
      method,
      url,
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { payload: body as Exclude<InjectOptions['payload'], undefined> }),
    });
    const isJson = String(response.headers['content-type']).includes('json') && !response.payload.includes('}\n{');
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.payload,
      body: isJson && response.payload !== '' ? JSON.parse(response.payload) : undefined,
    };
  }

  /** How many rows there are of everything, and how far each lane has counted. */
  async function counts(): Promise<Record<string, unknown>> {
    const tables = ['models', 'versions', 'branches', 'branch_moves', 'jobs', 'edits', 'events', 'artefacts'];
    const parts = [...tables, 'contributions', 'idempotency_keys'].map(
      (name) => `(SELECT count(*) FROM ${name}) AS ${name}`,
    );
    const [row] = await database.query(`SELECT ${parts.join(', ')}, (SELECT sum(next_sequence) FROM lanes) AS lanes`);
    return row!;
  }

  async function take(lane: string) {
    const lease = await acquireLease(lineage, lane, `holder ${Math.random()}`, 60_000);
    if (lease === null) throw new Error(`${lane} is held`);
    const job = await takeNextJob(lineage, lease);
    if (job === null) throw new Error(`${lane} has no work`);
    return { lease, job };
  }

  /** What submissions need of a model: a token a byte. */
  const blobs = await openDiskStore(blobsDir);
  const tokenizer: ModelFile[] = [];
  for (const [path, text] of byteTokenizer) {
    const { sha256: blob, size: bytes } = await blobs.put(Buffer.from(text));
    tokenizer.push({ path, blob, bytes });
  }

  /** A model of this name with its branch main; of its files only the tokenizer's are there unless others are given. */
  async function importModel(name: string, files: readonly ModelFile[] = tokenizer, digest = sha256(name)) {
    await submitImport(lineage, { name, path: `models/${name}`, created_by: null });
    const { lease, job } = await take(`import:${name}`);
    await moveJob(lineage, lease, job.id, 'running', 'committing');
    const shape = { layers: 2, width: 8, vocabulary: 50, context: 96 };
    const model = {
      name,
      digest,
      model_type: 'gpt2',
      parameters: 1000,
      ...shape,
      has_tokenizer: true,
      origin: [],
      files,
    };
    const { model_id, branch_id, version } = await commitImport(lineage, lease, {
      jobId: job.id,
      model,
      default_editor: 'r-rome',
    });
    await releaseLease(lineage, lease);
    return { id: model_id, branch: branch_id, root: version, lane: branchLane(branch_id) };
  }

  /** Commits the running job as a worker would, one delta an edit. */
  async function commit(
    lease: Awaited<ReturnType<typeof take>>['lease'],
    job: TakenJob,
    delta?: DeltaReference,
  ): Promise<string> {
    await moveJob(lineage, lease, job.id, 'running', 'evaluating');
    await moveJob(lineage, lease, job.id, 'evaluating', 'committing');
    const { parent, edits } = await openBranchWork(lineage, job);
    const added = edits.map(({ id }) => ({
      job_id: job.id,
      edit_ids: [id],
      deltas: [delta ?? { kind: 'low_rank' as const, blob: sha256(`${parent.version} ${id}`) }],
      bytes: 10,
    }));
    const { version } = await commitVersion(lineage, lease, {
      jobId: job.id,
      parent: parent.version,
      kind: 'edit',
      ground: upon(parent.ground, added),
      outcome: 'succeeded',
      summary: null,
      gate: { passed: true, findings: [] },
      editResults: edits.map(({ edit }) => madeResult(edit.custom_id)),
    });
    await releaseLease(lineage, lease);
    return version;
  }

  return {
    app,
    /** Breaks the server's connections to what is proxied, and lets none through until it is mended. */
    cut: line.cut,
    mend: line.mend,
    /** One more server over the same parts. */
    another,
    lineage,
    dispatch,
    servers,
    engine,
    tokenizers,
    blobs,
    blobsDir,
    databaseUrl: database.url,
    query: database.query,
    key: all,
    keyWith,
    call,
    get: (url: string, options?: CallOptions) => call('GET', url, options),
    post: (url: string, body: unknown, options?: CallOptions) => call('POST', url, { body, ...options }),
    counts,
    take,
    commit,
    importModel,
    /** Takes the next job of the lane and commits it; answers with the version. */
    async carryOut(lane: string, delta?: DeltaReference) {
      const { lease, job } = await take(lane);
      return commit(lease, job, delta);
    },
    async close() {
      await app.close();
      await Promise.all([servers.stop(), engine.stop(), tokenizers.stop()]);
      await dispatch.close();
      // A test may have closed it, to see what happens.
      await Promise.allSettled([lineage.close()]);
      await line.cut();
      await database.drop();
      await rm(blobsDir, { recursive: true, force: true });
    },
  };
}

/** A line to the database that can be cut. */
async function openLine(databaseUrl: string) {
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = lineTo(databaseUrl);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
      socket.pipe(other);
    }
  });
  const listen = (port: number) => new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = proxy.address() as AddressInfo;
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    cut: () =>
      new Promise<void>((resolve) => {
        proxy.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
    mend: () => listen(port),
  };
}

export const anEdit = (customId: string, fields: Record<string, unknown> = {}) => ({
  custom_id: customId,
  prompt: `The capital of ${customId} is`,
  subject: customId,
  target_new: ' Lyon',
  ...fields,
});

export const madeResult = (customId: string): EditResult => {
  const score = { token: 1, all: 1, exact: 1 };
  return {
    custom_id: customId,
    outcome: 'applied',
    error: null,
    answer_before: ' Paris',
    answer_after: ' Lyon',
    reliability: { before: score, after: score },
    generalization: null,
    locality: {},
    portability: {},
    diagnostics: {},
  };
};
