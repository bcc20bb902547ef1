// What work on a model costs: loading, scoring, generating, second moments, edits and evaluation, each in a process of its own, beside PyTorch.
import { execFile, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { atlasDirectory } from '@errata/atlas';
import { type Found, type Measured, type Order, runOrder } from './real-measures.ts';

const usage = `usage: npm run bench -- real [options]
  --model DIR       a checkpoint in Hugging Face layout; default models/atlas
  --only NAMES      of load, score, generate-1, generate-16, moments, edit, evaluate; default all
  --editors NAMES   edited with, default r-rome,ft-m,grace
  --edits FILE      what is evaluated, a data set of any layout; default CounterFact in ../shared/data where it is, else models/atlas/edits.jsonl
  --n COUNT         its first records, default 2, each edited alone with r-ROME and asked about, texts and all
  --threads COUNT   of one inference call, default all
  --python PATH     one that has torch and transformers; default python3, and without them there is no peer
`;

const measures = ['load', 'score', 'generate-1', 'generate-16', 'moments', 'edit', 'evaluate'] as const;
/** What the peer is asked too. */
const peerMeasures: readonly string[] = ['load', 'score', 'generate-1', 'generate-16'];

const titles: Record<Found['unit'], string> = {
  seconds: 's',
  tokens: 'tokens/s',
  edits: 's an edit',
  answers: 'answers/s',
};

function inChild(order: Order): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--order', JSON.stringify(order)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, ERRATA_THREADS: `${order.threads}` },
    });
    child.once('message', (message) => resolve(message as Measured));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${order.measure} ended with code ${code}`)));
  });
}

const run = promisify(execFile);

/** What the peer measures, or why it cannot. */
async function byPeer(
  python: string,
  { model, measure, threads }: Order,
  sequences: string,
): Promise<Measured | string> {
  const script = fileURLToPath(new URL('./peers/transformers.py', import.meta.url));
  try {
    const { stdout } = await run(python, [script, model, measure, `${threads}`, sequences], { maxBuffer: 2 ** 26 });
    return JSON.parse(stdout) as Measured;
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    return stderr.trim().split('\n').at(-1) || message.split('\n')[0]!;
  }
}

/** As the unit reads: seconds as they are, rates by the second. */
function rate({ unit, count, seconds }: Found): string {
  const value = unit === 'seconds' || unit === 'edits' ? seconds / count : count / seconds;
  return `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)} ${titles[unit]}`;
}

const memory = ({ peakBytes, weightBytes }: Measured) =>
  `${(peakBytes / 2 ** 20).toFixed(0)} MiB, ${(peakBytes / weightBytes).toFixed(2)} x`;

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string', default: atlasDirectory },
      only: { type: 'string', default: measures.join() },
      editors: { type: 'string', default: 'r-rome,ft-m,grace' },
      edits: { type: 'string' },
      n: { type: 'string', default: '2' },
      threads: { type: 'string', default: `${availableParallelism()}` },
      python: { type: 'string', default: 'python3' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const records = join(
    fileURLToPath(new URL('..', import.meta.url)),
    '../shared/data/counterfact/counterfact_full_1000.json',
  );
  const edits = values.edits ?? (existsSync(records) ? records : join(atlasDirectory, 'edits.jsonl'));
  const shared = { model: values.model, threads: Number(values.threads), edits, records: Number(values.n) };
  const wanted = values.only.split(',');
  const unknown = wanted.find((name) => !measures.some((measure) => measure === name));
  if (unknown !== undefined || !(shared.threads >= 1 && shared.records >= 1)) {
    process.stderr.write(usage);
    process.exit(2);
  }
  const orders = measures
    .filter((measure) => wanted.includes(measure))
    .flatMap((measure): Order[] =>
      measure === 'edit'
        ? values.editors.split(',').map((editor) => ({ ...shared, measure, editor }))
        : [{ ...shared, measure, editor: 'r-rome' }],
    );

  console.log(
    `${values.model}, ${shared.threads} threads, ${cpus()[0]?.model ?? 'a processor'}, Node ${process.version}\n`,
  );
  console.log(
    '| work | Errata | peak memory, float32 weights = 1 | processor seconds | PyTorch | its peak | times as fast |',
  );
  console.log('|---|---|---|---|---|---|---|');
  let peerMissing: string | undefined;
  for (const order of orders) {
    const ours = await inChild(order);
    const asked = peerMissing === undefined && peerMeasures.includes(order.measure);
    const theirs = asked ? await byPeer(values.python, order, ours.sequences) : undefined;
    if (typeof theirs === 'string') peerMissing = theirs;
    const peer =
      theirs === undefined || typeof theirs === 'string'
        ? ['', '', '']
        : [rate(theirs.found), memory(theirs), (theirs.found.seconds / ours.found.seconds).toFixed(2)];
    const name = order.measure === 'edit' ? `edit, ${order.editor}` : order.measure;
    console.log(`| ${[name, rate(ours.found), memory(ours), ours.cpuSeconds.toFixed(1), ...peer].join(' | ')} |`);
  }
  if (peerMissing !== undefined) console.log(`\nNo peer: ${peerMissing}`);
}

const orderAt = process.argv.indexOf('--order');
if (orderAt > 0 && process.send) {
  const measured = await runOrder(JSON.parse(process.argv[orderAt + 1]!) as Order);
  process.send(measured, () => process.disconnect());
}
