// What editors that are trained cost: steps of their training, beside PyTorch, and edits once they are trained, each in a process of its own.
import { execFile, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { atlasDirectory, buildWorld, drawEdits } from '@errata/atlas';
import { checkEdits } from '@errata/contracts';
import { edit, localArtefacts } from '@errata/editors';
import {
  artefactNeeds,
  type EditorName,
  type ModelDefaults,
  modelDefaultsSchema,
  requireEditor,
  resolveConfig,
} from '@errata/editors/catalogue';
import { loadCheckpoint, type Model, openModel } from '@errata/models';

const usage = `usage: npm run bench -- learned [options]
  --editors NAMES   of those that are trained, default mend,malmen,recipe
  --steps COUNT     of a training that are measured, default 8
  --n COUNT         edits that are made at once by what atlas brought along, default 100
  --threads COUNT   of one inference call, default 1
  --python PATH     one that has torch and transformers; default python3, and without them there is no peer
`;

/** How each is trained for it: MEND's and MALMEN's sizes and batches are those that atlas's own were trained with. */
const trainings = {
  mend: { network_rank: 64, batch_size: 10 },
  malmen: { network_rank: 64, edits_per_update: 64, run_size: 64 },
  recipe: { batch_size: 8, representation: 256 },
} as const satisfies Partial<Record<EditorName, Readonly<Record<string, number>>>>;
type Trained = keyof typeof trainings;

/** Those that the peer can train. */
const peers: readonly Trained[] = ['mend', 'malmen'];

interface Order {
  readonly what: 'training' | 'edits';
  readonly editor: Trained;
  readonly count: number;
  readonly threads: number;
}

interface Measured {
  readonly count: number;
  readonly seconds: number;
  /** Processor time, all threads together. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

const clock = () => {
  const { user, system } = process.cpuUsage();
  return { seconds: performance.now() / 1000, cpuSeconds: (user + system) / 1e6 };
};

const since = (begun: ReturnType<typeof clock>, count: number): Measured => {
  const now = clock();
  return {
    count,
    seconds: now.seconds - begun.seconds,
    cpuSeconds: now.cpuSeconds - begun.cpuSeconds,
    peakBytes: 1024 * process.resourceUsage().maxRSS,
  };
};

interface Opened {
  readonly model: Model;
  readonly digest: string;
  readonly defaults: ModelDefaults;
}

async function open(): Promise<Opened> {
  const checkpoint = await loadCheckpoint(atlasDirectory);
  const defaults = modelDefaultsSchema.parse(JSON.parse(readFileSync(join(atlasDirectory, 'errata.json'), 'utf8')));
  return { model: openModel(checkpoint, { programs: 16 }), digest: checkpoint.digest, defaults };
}

function preparedOf({ model, digest, defaults }: Opened, editor: Trained, request: Readonly<Record<string, unknown>>) {
  const { family, layers, width } = model.spec;
  const shape = { model_type: family, layers, width };
  const config = resolveConfig(editor, shape, defaults, {});
  const named: Readonly<Record<string, string | undefined>> = defaults.artefacts ?? {};
  const kept = new Map<string, Uint8Array>();
  const source = {
    model,
    digest,
    request,
    store: {
      get: async (key: string) => kept.get(key),
      put: async (key: string, bytes: Uint8Array) => void kept.set(key, bytes),
      delete: async (key: string) => void kept.delete(key),
    },
    brought: async (kind: string) =>
      named[kind] === undefined ? undefined : readFileSync(join(atlasDirectory, named[kind])),
  };
  return { config, source, needs: artefactNeeds(editor, config, shape, 0) };
}

/** Steps behind the first, which makes programs too. */
async function measureTraining({ editor, count }: Order): Promise<Measured> {
  const opened = await open();
  const request = {
    data: join(atlasDirectory, 'edits.jsonl'),
    ...trainings[editor],
    steps: count + 1,
    validation: 10,
    validate_every: count + 1,
  };
  const { source, needs } = preparedOf(opened, editor, request);
  let begun = clock();
  let measured: Measured | undefined;
  await localArtefacts(source, needs, {
    onProgress: ({ stage, done }) => {
      if (stage !== 'training') return;
      if (done === 1) begun = clock();
      if (done === count + 1) measured = since(begun, count);
    },
  });
  return measured!;
}

/** A batch behind another that makes programs. */
async function measureEdits({ editor, count }: Order): Promise<Measured> {
  const opened = await open();
  const { config, source, needs } = preparedOf(opened, editor, {});
  const artefacts = await localArtefacts(source, needs);
  const { edits } = checkEdits(drawEdits(buildWorld(), count, 1).map((one) => one.edit));
  const { model } = opened;
  const make = () =>
    edit(editor, { model, view: model.view(), edits, config, artefacts, seed: 0 }, { onError: 'continue' });
  await make();
  const begun = clock();
  await make();
  return since(begun, count);
}

function inChild(order: Order): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--order', JSON.stringify(order)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, ERRATA_THREADS: `${order.threads}` },
    });
    child.once('message', (message) => resolve(message as Measured));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${order.what} of ${order.editor} ended with code ${code}`)));
  });
}

const run = promisify(execFile);

/** What the peer measures, or why it cannot. */
async function byPeer(python: string, { editor, count, threads }: Order): Promise<Measured | string> {
  const script = fileURLToPath(new URL('./peers/hypernetworks.py', import.meta.url));
  const { network_rank, ...sizes } = trainings[editor as 'mend' | 'malmen'];
  const batch = 'batch_size' in sizes ? sizes.batch_size : sizes.edits_per_update;
  const given = [atlasDirectory, editor, network_rank, batch, count, threads].map(String);
  try {
    const { stdout } = await run(python, [script, ...given]);
    return JSON.parse(stdout) as Measured;
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    return stderr.trim().split('\n').at(-1) || message.split('\n')[0]!;
  }
}

const cells = ({ count, seconds, cpuSeconds, peakBytes }: Measured): readonly string[] => [
  (count / seconds).toPrecision(3),
  ((1000 * cpuSeconds) / count).toPrecision(3),
  `${(peakBytes / 2 ** 20).toFixed(0)} MiB`,
];

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      editors: { type: 'string', default: Object.keys(trainings).join() },
      steps: { type: 'string', default: '8' },
      n: { type: 'string', default: '100' },
      threads: { type: 'string', default: '1' },
      python: { type: 'string', default: 'python3' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const [steps, n, threads] = [values.steps, values.n, values.threads].map(Number) as [number, number, number];
  const editors = values.editors.split(',').map(requireEditor);
  if (!(steps >= 1 && n >= 1 && threads >= 1) || editors.some((name) => !Object.hasOwn(trainings, name))) {
    process.stderr.write(usage);
    process.exit(2);
  }
  console.log(`atlas, ${threads} threads, ${cpus()[0]?.model ?? 'a processor'}, Node ${process.version}\n`);
  console.log(
    '| training | steps/s | processor ms a step | peak memory | PyTorch: steps/s | processor ms a step | peak memory | processor time, PyTorch = 1 |',
  );
  console.log('|---|---|---|---|---|---|---|---|');
  let peerMissing: string | undefined;
  for (const editor of editors as readonly Trained[]) {
    const order: Order = { what: 'training', editor, count: steps, threads };
    const ours = await inChild(order);
    const asked = peerMissing === undefined && peers.includes(editor);
    const theirs = asked ? await byPeer(values.python, order) : undefined;
    if (typeof theirs === 'string') peerMissing = theirs;
    const peer =
      theirs === undefined || typeof theirs === 'string'
        ? ['', '', '', '']
        : [...cells(theirs), (ours.cpuSeconds / theirs.cpuSeconds).toFixed(2)];
    console.log(`| ${[editor, ...cells(ours), ...peer].join(' | ')} |`);
  }
  console.log(`\n| ${n} edits in one batch | edits/s | processor ms an edit | peak memory |`);
  console.log('|---|---|---|---|');
  for (const editor of editors as readonly Trained[]) {
    const measured = await inChild({ what: 'edits', editor, count: n, threads });
    console.log(`| ${[editor, ...cells(measured)].join(' | ')} |`);
  }
  if (peerMissing !== undefined) console.log(`\nNo peer: ${peerMissing}`);
}

const orderAt = process.argv.indexOf('--order');
if (orderAt > 0 && process.send) {
  const order = JSON.parse(process.argv[orderAt + 1]!) as Order;
  const measured = await (order.what === 'training' ? measureTraining(order) : measureEdits(order));
  process.send(measured, () => process.disconnect());
}
