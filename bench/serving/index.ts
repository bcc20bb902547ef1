// What clients get of a serving API: tokens a second and the time to the first, by how many there are and how many versions they ask.
import { availableParallelism, cpus, loadavg } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { atlasDirectory } from '@errata/atlas';
import { median } from '../median.ts';
import { processorSeconds } from '../processor-time.ts';
import { type Asked, type Asking, type Clients, startClients } from './clients.ts';
import { type LlamaServer, startLlama, transformersRate } from './peers.ts';
import { openStand, type Stand } from './stand.ts';

const usage = `usage: npm run bench -- serving [options]
  --model DIR       a checkpoint in Hugging Face layout; default models/atlas, and smollm2-135m where ERRATA_REAL_MODELS has it
  --tokens COUNT    of every answer, default 48
  --requests COUNT  of each client in a round, default 2
  --rounds COUNT    in each of which everything is measured once, default 3
  --threads COUNT   of the serving process and of the peers, default all
  --python PATH     one that has torch and transformers, and xllamacpp; default python3, and a peer that is not there is left out
`;

const clientCounts = [1, 8, 32] as const;
const versionCounts = [1, 10, 100] as const;
const most = Math.max(...clientCounts);
/** Passes and requests, in turn, in each round. */
const passes = 8;

/** One of the things that are measured. */
interface Setting {
  readonly clients: number;
  readonly versions: number;
}

/** What a round found of a setting. */
interface Found {
  readonly tokensPerSecond: number;
  /** Milliseconds to the first text. */
  readonly firstToken: number;
  /** Milliseconds of processor time a token: of the serving process, of the API, and of the clients. */
  readonly serving: number;
  readonly api: number;
  readonly clients: number;
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

/** What all clients of a round ask, by client; no prompt twice in a run, so that nothing is gone on from. */
const asks = (
  { clients, versions }: Setting,
  { requests }: Pick<Plan, 'requests'>,
  round: number,
  asking: (version: number, prompt: string) => Asking,
): readonly (readonly Asking[])[] =>
  Array.from({ length: clients }, (_, client) =>
    Array.from({ length: requests }, (_, n) => {
      const place = client * requests + n;
      return asking(place % versions, `${promptOf(place)} ${round}${String.fromCharCode(97 + (client % 26))}`);
    }),
  );

const rateOf = ({ answers, seconds }: Asked): number => answers.reduce((sum, { tokens }) => sum + tokens, 0) / seconds;
const firstOf = ({ answers }: Asked): number => median(answers.map(({ firstToken }) => firstToken));

const ours =
  ({ url, headers, models, endBias }: Stand, tokens: number) =>
  (version: number, prompt: string): Asking => ({
    url,
    headers,
    body: {
      model: models[version]!,
      prompt,
      max_tokens: tokens,
      temperature: 0,
      // Every answer is as long as it may be.
      logit_bias: endBias,
      stream: true,
      stream_options: { include_usage: true },
    },
  });

async function measure(stand: Stand, clients: Clients, setting: Setting, plan: Plan, round: number): Promise<Found> {
  const [servingBefore, before] = [stand.servingSeconds(), process.cpuUsage()];
  const asked = await clients.ask(asks(setting, plan, round, ours(stand, plan.tokens)));
  const { user, system } = process.cpuUsage(before);
  const count = rateOf(asked) * asked.seconds;
  return {
    tokensPerSecond: rateOf(asked),
    firstToken: firstOf(asked),
    serving: (1000 * (stand.servingSeconds() - servingBefore)) / count,
    api: (user + system) / 1000 / count,
    clients: (1000 * asked.cpuSeconds) / count,
  };
}

/** Milliseconds of a bare forward pass of a prompt in this process, and to the first token of one client, measured in turn. */
async function firstTokens(stand: Stand, clients: Clients, { tokens }: Plan, round: number) {
  const { model } = stand;
  const bare: number[] = [];
  const first: number[] = [];
  for (let n = 0; n < passes; n++) {
    const prompt = `${promptOf(n)} ${round}z${n}`;
    const ids = model.tokenizer!.encode(prompt);
    const begun = performance.now();
    await model.view().nextLogits([ids]);
    bare.push(performance.now() - begun);
    first.push(firstOf(await clients.ask([[ours(stand, Math.min(tokens, 4))(0, prompt)]])));
  }
  return { bare, first };
}

/** Tokens a second of llama.cpp's server, milliseconds to the first text, and milliseconds of its processor time a token. */
async function measureLlama({ url, pid }: LlamaServer, clients: Clients, count: number, plan: Plan, round: number) {
  const before = processorSeconds(pid) ?? Number.NaN;
  const body = { max_tokens: plan.tokens, temperature: 0, ignore_eos: true, stream: true };
  const asked = await clients.ask(
    asks({ clients: count, versions: 1 }, plan, round, (_, prompt) => ({
      url,
      headers: {},
      body: { ...body, prompt, stream_options: { include_usage: true } },
    })),
  );
  const rate = rateOf(asked);
  const serving = (1000 * ((processorSeconds(pid) ?? Number.NaN) - before)) / (rate * asked.seconds);
  return { tokensPerSecond: rate, firstToken: firstOf(asked), serving };
}

/** As many prompts, cut to the shortest. */
function promptIds({ model }: Stand, count: number): readonly (readonly number[])[] {
  const ids = Array.from({ length: count }, (_, n) => model.tokenizer!.encode(promptOf(n)));
  const length = Math.min(...ids.map((one) => one.length));
  return ids.map((one) => one.slice(0, length));
}

const shown = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const times = (value: number) => `${value.toFixed(2)} x`;

async function benchModel(directory: string, plan: Plan): Promise<void> {
  const stand = await openStand(directory, Math.max(...versionCounts), plan.threads);
  const clients = startClients();
  const context = Math.min(256, stand.model.spec.context);
  const llama = await startLlama(plan.python, stand.gguf, { threads: plan.threads, slots: most, context });
  try {
    const found = new Map<Setting, Found[]>(settings.map((setting) => [setting, []]));
    const bare: number[] = [];
    const first: number[] = [];
    const transformers = new Map<number, number[]>(clientCounts.map((count) => [count, []]));
    const byLlama = new Map<number, Awaited<ReturnType<typeof measureLlama>>[]>(clientCounts.map((n) => [n, []]));
    const missing = new Set<string>(typeof llama === 'string' ? [`llama.cpp: ${llama}`] : []);
    // Programs are compiled and versions opened by what is not counted.
    for (const setting of settings) await measure(stand, clients, setting, { ...plan, requests: 1 }, 0);
    await firstTokens(stand, clients, plan, 0);
    for (let round = 1; round <= plan.rounds; round++) {
      const loaded = await firstTokens(stand, clients, plan, round);
      bare.push(...loaded.bare);
      first.push(...loaded.first);
      for (const setting of settings) found.get(setting)!.push(await measure(stand, clients, setting, plan, round));
      for (const count of clientCounts) {
        if (typeof llama !== 'string') byLlama.get(count)!.push(await measureLlama(llama, clients, count, plan, round));
        if (missing.has('transformers')) continue;
        const rate = await transformersRate(plan.python, directory, promptIds(stand, count), plan.threads);
        if (typeof rate === 'string') missing.add('transformers').add(`transformers: ${rate}`);
        else transformers.get(count)!.push(rate);
      }
    }
    const of = (setting: Setting, field: keyof Found) => median(found.get(setting)!.map((each) => each[field]));
    const [one] = settings as [Setting];
    const full = settings.find(({ clients, versions }) => clients === most && versions === 1)!;
    console.log(`\n${basename(directory)}: answers of ${plan.tokens} tokens, streamed over HTTP; medians of ${plan.rounds} rounds. A bare forward pass of a
prompt takes ${shown(median(bare))} ms, and the first token of one client, asked in turn with it, ${shown(median(first))} ms: ${times(median(first) / median(bare))}; at best ${shown(Math.min(...bare))} and ${shown(Math.min(...first))} ms: ${times(Math.min(...first) / Math.min(...bare))}.
Processor time is of a token. Load of the machine at the end: ${loadavg()[0]!.toFixed(1)}.

| clients | versions | tokens/s | one client = 1 | first token | serving process | one client = 1 | API | clients | transformers, one batch | llama.cpp's server | its first token | its processor time |
|---|---|---|---|---|---|---|---|---|---|---|---|---|`);
    for (const setting of settings) {
      const { clients: count, versions } = setting;
      const rates = versions === 1 ? (transformers.get(count) ?? []) : [];
      const peer = versions === 1 ? (byLlama.get(count) ?? []) : [];
      const ofPeer = (field: 'tokensPerSecond' | 'firstToken' | 'serving', unit: string) =>
        peer.length === 0 ? '' : `${shown(median(peer.map((each) => each[field])))} ${unit}`;
      const cells = [
        count,
        versions,
        shown(of(setting, 'tokensPerSecond')),
        times(of(setting, 'tokensPerSecond') / of(one, 'tokensPerSecond')),
        `${shown(of(setting, 'firstToken'))} ms`,
        `${shown(of(setting, 'serving'))} ms`,
        `1 / ${(of(one, 'serving') / of(setting, 'serving')).toFixed(2)}`,
        `${shown(of(setting, 'api'))} ms`,
        `${shown(of(setting, 'clients'))} ms`,
        rates.length === 0 ? '' : `${shown(median(rates))} tokens/s`,
        ofPeer('tokensPerSecond', 'tokens/s'),
        ofPeer('firstToken', 'ms'),
        ofPeer('serving', 'ms'),
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
    missing.delete('transformers');
    for (const each of missing) console.log(`\nNot there: ${each}`);
  } finally {
    clients.close();
    if (typeof llama !== 'string') await llama.close();
    await stand.close();
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
