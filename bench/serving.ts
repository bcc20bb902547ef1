// What clients get of a serving API: tokens a second and the time to the first, by how many there are and how many versions they ask.
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { atlasDirectory } from '@errata/atlas';
import { openDiskStore } from '@errata/blobs';
import { startPostgres } from '@errata/local-services';
import { encodeDelta, endIds, loadCheckpoint, openModel, uniform, valueMatrix } from '@errata/models';
import { anEdit, openApi } from '../test/support/api.ts';
import { median } from './median.ts';
import { processorSeconds } from './processor-time.ts';

const usage = `usage: npm run bench -- serving [options]
  --model DIR       a checkpoint in Hugging Face layout; default models/atlas, and smollm2-135m where ERRATA_REAL_MODELS has it
  --tokens COUNT    of every answer, default 48
  --requests COUNT  of each client in a round, default 2
  --rounds COUNT    in each of which everything is measured once, default 3
  --threads COUNT   of the serving process, default all
  --python PATH     one that has torch and transformers; default python3, and without them there is no peer
`;

const clientCounts = [1, 8, 32] as const;
const versionCounts = [1, 10, 100] as const;
const most = Math.max(...clientCounts);

/** One of the things that are measured. */
interface Setting {
  readonly clients: number;
  readonly versions: number;
}

/** What a round found of a setting. */
interface Found {
  readonly tokensPerSecond: number;
  /** Milliseconds from sending a request to its first text. */
  readonly firstToken: number;
  /** Milliseconds of processor time a token: of the serving process, and of this one, which is the API and the clients. */
  readonly serving: number;
  readonly others: number;
}

const settings: readonly Setting[] = [
  ...clientCounts.map((clients) => ({ clients, versions: 1 })),
  ...versionCounts.slice(1).map((versions) => ({ clients: most, versions })),
];

/** Prompts of like length, no two alike. */
const promptOf = (n: number): string => {
  const places = ['Sylvania', 'Ardena', 'France', 'the north', 'a small town', 'the old kingdom'];
  const starts = ['The capital of', 'The head of state of', 'People who live in', 'The river that runs through'];
  return `${starts[n % starts.length]} ${places[Math.floor(n / starts.length) % places.length]}`;
};

interface Plan {
  readonly tokens: number;
  readonly requests: number;
  readonly rounds: number;
  readonly threads: number;
  readonly python: string;
}

type Bench = Awaited<ReturnType<typeof openBench>>;

/** A server with a model and versions of it, each of one rank-one edit, on a branch of its own. */
async function openBench(directory: string, threads: number) {
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-'));
  await chmod(folder, 0o755); // PostgreSQL may have to run as another user
  const server = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
  const api = await openApi({ completionQueue: 1000 }, { postgresUrl: server.url, threads });
  const { digest, files } = await api.engine.call('importModel', { path: directory });
  const stored = files.map(({ name, sha256, size }) => ({ path: name, blob: sha256, bytes: size }));
  const name = basename(directory);
  await api.importModel(name, stored, digest);
  const checkpoint = await loadCheckpoint(directory);
  const model = openModel(checkpoint);
  const ends = endIds(checkpoint);
  checkpoint.close();
  const store = await openDiskStore(api.blobsDir);
  const { weight: tensor, inSize, outSize } = valueMatrix(model.spec, Math.floor(model.spec.layers / 3));
  const models: string[] = [];
  for (let n = 0; n < Math.max(...versionCounts); n++) {
    const noise = (stream: number, size: number) => {
      const next = uniform(7, stream);
      return Float32Array.from({ length: size }, () => 0.02 * (2 * next() - 1));
    };
    const delta = encodeDelta({
      kind: 'low_rank',
      tensor,
      rank: 1,
      left: noise(2 * n, inSize),
      right: noise(2 * n + 1, outSize),
    });
    const { sha256: blob } = await store.put(delta);
    const { body } = await api.post(`/v1/models/${name}/branches`, { name: `b${n}` });
    await api.post('/v1/edit_jobs', { model: name, branch: `b${n}`, edits: [anEdit(`Town ${n}`)] });
    await api.carryOut(`branch:${body.id}`, { kind: 'low_rank', blob });
    models.push(`${name}@b${n}`);
  }
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = api.app.server.address() as AddressInfo;
  return {
    models,
    model,
    pids: () => api.servers.pids(),
    endBias: Object.fromEntries(ends.map((id) => [id, -100])),
    url: `http://127.0.0.1:${port}`,
    key: api.key,
    close: async () => {
      await model.release();
      await api.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Streams one answer. */
async function ask({ url, key, endBias }: Bench, model: string, prompt: string, tokens: number) {
  const begun = performance.now();
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({
      model,
      prompt,
      max_tokens: tokens,
      temperature: 0,
      // Every answer is as long as it may be.
      logit_bias: endBias,
      stream: true,
      stream_options: { include_usage: true },
    }),
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  let firstToken: number | undefined;
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    firstToken ??= performance.now() - begun;
    text += decoder.decode(chunk as Uint8Array, { stream: true });
  }
  const usage = /"completion_tokens":(\d+)/.exec(text)?.[1];
  if (!text.endsWith('data: [DONE]\n\n') || usage === undefined)
    throw new Error(`the stream broke off: ${text.slice(-300)}`);
  return { firstToken: firstToken!, tokens: Number(usage) };
}

/** Has every client ask one request after another. */
async function measure(
  bench: Bench,
  { clients, versions }: Setting,
  { tokens, requests }: Plan,
  round: number,
): Promise<Found> {
  const begun = performance.now();
  const [servingBefore, before] = [servingSeconds(bench), process.cpuUsage()];
  const answers = await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const own: Awaited<ReturnType<typeof ask>>[] = [];
      for (let n = 0; n < requests; n++) {
        const place = client * requests + n;
        // No prompt is asked of a version twice in a run: nothing is gone on from.
        const prompt = `${promptOf(place)} ${round}${String.fromCharCode(97 + (client % 26))}`;
        own.push(await ask(bench, bench.models[place % versions]!, prompt, tokens));
      }
      return own;
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(before);
  const all = answers.flat();
  const count = all.reduce((sum, answer) => sum + answer.tokens, 0);
  return {
    tokensPerSecond: count / seconds,
    firstToken: median(all.map(({ firstToken }) => firstToken)),
    serving: (1000 * (servingSeconds(bench) - servingBefore)) / count,
    others: (user + system) / 1000 / count,
  };
}

/** NaN where it cannot be known. */
const servingSeconds = ({ pids }: Bench): number =>
  pids().reduce((sum, pid) => sum + (processorSeconds(pid) ?? Number.NaN), 0);

/** Milliseconds of a bare forward pass of prompts like those, in this process. */
async function barePass({ model }: Bench, count: number): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n <= count; n++) {
    const ids = model.tokenizer!.encode(promptOf(n));
    const begun = performance.now();
    await model.view().nextLogits([ids]);
    if (n > 0) times.push(performance.now() - begun);
  }
  return median(times);
}

const run = promisify(execFile);

/** Tokens a second of transformers' generate, of as many prompts in one batch; or why there are none. */
async function byPeer(
  directory: string,
  { model }: Bench,
  count: number,
  { threads, python }: Plan,
): Promise<number | string> {
  const ids = Array.from({ length: count }, (_, n) => model.tokenizer!.encode(promptOf(n)));
  const length = Math.min(...ids.map((one) => one.length));
  const script = fileURLToPath(new URL('./peers/transformers.py', import.meta.url));
  try {
    const sequences = JSON.stringify(ids.map((one) => one.slice(0, length)));
    const { stdout } = await run(python, [script, directory, `generate-${count}`, `${threads}`, sequences], {
      maxBuffer: 2 ** 26,
    });
    const { found } = JSON.parse(stdout) as { found: { count: number; seconds: number } };
    return found.count / found.seconds;
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    return stderr.trim().split('\n').at(-1) || message.split('\n')[0]!;
  }
}

const shown = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

async function benchModel(directory: string, plan: Plan): Promise<void> {
  const bench = await openBench(directory, plan.threads);
  try {
    const found = new Map<Setting, Found[]>(settings.map((setting) => [setting, []]));
    const bare: number[] = [];
    const peers = new Map<number, number[]>(clientCounts.map((count) => [count, []]));
    let peerMissing: string | undefined;
    // Programs are compiled and versions opened by what is not counted.
    for (const setting of settings) await measure(bench, setting, { ...plan, requests: 1 }, 0);
    for (let round = 1; round <= plan.rounds; round++) {
      bare.push(await barePass(bench, 9));
      for (const setting of settings) found.get(setting)!.push(await measure(bench, setting, plan, round));
      for (const count of clientCounts) {
        const peer = peerMissing === undefined ? await byPeer(directory, bench, count, plan) : peerMissing;
        if (typeof peer === 'string') peerMissing = peer;
        else peers.get(count)!.push(peer);
      }
    }
    const of = (setting: Setting, field: keyof Found) => median(found.get(setting)!.map((each) => each[field]));
    const [one] = settings as [Setting];
    const full = settings.find(({ clients, versions }) => clients === most && versions === 1)!;
    const pass = median(bare);
    const times = (value: number) => `${value.toFixed(2)} x`;
    console.log(`\n${basename(directory)}: answers of ${plan.tokens} tokens, streamed over HTTP; medians of ${plan.rounds} rounds. A bare forward pass of a
prompt takes ${shown(pass)} ms. Processor time is of a token: of the serving process, and of the API with all clients, which are one process here.

| clients | versions | tokens/s | one client = 1 | processor time, serving | one client = 1 | API and clients | first token | bare pass = 1 | transformers, one batch |
|---|---|---|---|---|---|---|---|---|---|`);
    for (const setting of settings) {
      const { clients, versions } = setting;
      const peer = versions === 1 ? (peers.get(clients) ?? []) : [];
      const cells = [
        clients,
        versions,
        shown(of(setting, 'tokensPerSecond')),
        times(of(setting, 'tokensPerSecond') / of(one, 'tokensPerSecond')),
        `${shown(of(setting, 'serving'))} ms`,
        `1 / ${(of(one, 'serving') / of(setting, 'serving')).toFixed(2)}`,
        `${shown(of(setting, 'others'))} ms`,
        `${shown(of(setting, 'firstToken'))} ms`,
        times(of(setting, 'firstToken') / pass),
        peer.length === 0 ? '' : `${shown(median(peer))} tokens/s`,
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
    const spread = (field: 'tokensPerSecond' | 'serving') =>
      settings
        .filter(({ clients, versions }) => clients === most && versions > 1)
        .map((setting) => {
          const ratio = of(setting, field) / of(full, field);
          return `${setting.versions}: ${times(field === 'serving' ? ratio : 1 / ratio)}`;
        })
        .join(', ');
    console.log(
      `\n${most} clients over several versions, one version = 1. By the clock ${spread('tokensPerSecond')}; by processor time ${spread('serving')}.`,
    );
    if (peerMissing !== undefined) console.log(`\nNo peer: ${peerMissing}`);
  } finally {
    await bench.close();
  }
}

export async function main(args: readonly string[]): Promise<void> {
  const real = process.env.ERRATA_REAL_MODELS;
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: {
        type: 'string',
        multiple: true,
        default: [atlasDirectory, ...(real === undefined ? [] : [join(real, 'smollm2-135m')])],
      },
      tokens: { type: 'string', default: '48' },
      requests: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
      threads: { type: 'string', default: `${availableParallelism()}` },
      python: { type: 'string', default: 'python3' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const [tokens, requests, rounds, threads] = [values.tokens, values.requests, values.rounds, values.threads].map(
    Number,
  );
  if (![tokens, requests, rounds, threads].every((count) => Number.isInteger(count) && count! >= 1)) {
    process.stderr.write(usage);
    process.exit(2);
  }
  console.log(`${threads} threads, ${cpus()[0]?.model ?? 'a processor'}, Node ${process.version}`);
  const plan = { tokens: tokens!, requests: requests!, rounds: rounds!, threads: threads!, python: values.python };
  for (const directory of values.model) await benchModel(directory, plan);
}
