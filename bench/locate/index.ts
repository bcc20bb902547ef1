// What an edit takes by the editors that locate and edit, from one edit to a thousand: beside what it takes at least, the plain form of the search, and EasyEdit.
import { execFile, fork } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { describeEditor, type EditorName, requireEditor, writtenEditor } from '@errata/editors/catalogue';
import { writeGpt2Small } from '../gpt2-small.ts';
import type { Took } from './floor.ts';
import { type Given, type Measured, type Order, runOrder } from './measure.ts';

const usual = 'second_moment,naive,rome,r-rome,p-rome,wilke,memit,pmet,emmet,alpha-edit,ultra-edit';

const usage = `usage: npm run bench -- locate [options]
  --model DIR         a checkpoint in Hugging Face layout; default random weights of GPT-2 small's shape
  --width COUNT       random weights whose keys have so many numbers, in one narrow layer: for second moments and eigenvectors
  --editors NAMES     default ${usual};
                      also kn, sphere, and eigenbasis, what AlphaEdit needs of one layer
  --sizes COUNTS      edits in a batch of those that solve a batch at once, default 1,10
  --threads COUNT     of one inference call, default all
  --python PATH       one that has torch and transformers, default python3
  --easyedit DIR      a checkout of EasyEdit: its code does the same edits
  --peer-edits COUNT  edits that it makes at most, default 10: it takes them one after another, so that more cost as much each
`;

/** What is no editor: needed beforehand, or the plain form of the search. */
const others = ['naive', 'second_moment', 'eigenbasis'] as const;
const isOther = (name: string): name is (typeof others)[number] => others.some((other) => other === name);

/** Of whose editors there is code in EasyEdit that bench/peers/easyedit.py runs. */
const peers: readonly string[] = ['rome', 'r-rome', 'memit', 'emmet', 'ultra-edit'];

function inChild(order: Order, threads: number): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--order', JSON.stringify(order)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, ERRATA_THREADS: `${threads}` },
    });
    child.once('message', (message) => resolve(message as Measured));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${order.measure} ended with code ${code}`)));
  });
}

const run = promisify(execFile);

interface Peer extends Took {
  readonly edits: number;
  readonly peakBytes: number;
}

/** What EasyEdit takes for the edits, or why it cannot. */
async function byPeer(
  { python, checkout, threads }: { readonly python: string; readonly checkout: string; readonly threads: number },
  { model, measure }: Order,
  given: Given & { readonly batch: number },
): Promise<Peer | string> {
  const script = fileURLToPath(new URL('../peers/easyedit.py', import.meta.url));
  try {
    const args = [script, checkout, model, measure, `${threads}`, JSON.stringify(given)];
    // Its threads are not to spin while they wait, which would count as work.
    const env = { ...process.env, OMP_WAIT_POLICY: 'passive' };
    const { stdout } = await run(python, args, { maxBuffer: 2 ** 26, env });
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Peer;
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    return stderr.trim().split('\n').at(-1) || message.split('\n')[0]!;
  }
}

const titles: Record<(typeof others)[number], string> = {
  naive: 'r-ROME, the search by the whole model at every step',
  second_moment: 'second moments and inverses, all layers of MEMIT, 4,096 tokens',
  eigenbasis: 'eigenvectors of one layer',
};

const secondsText = (seconds: number) => `${seconds >= 10 ? seconds.toFixed(0) : seconds.toPrecision(2)} s`;
const memory = (bytes: number, weights: number) =>
  `${(bytes / 2 ** 20).toFixed(0)} MiB, ${(bytes / weights).toFixed(1)} x`;

function rowOf({ measure, count }: Order, measured: Measured, peer: Peer | undefined): string {
  const { took, floor, steps, failed, peakBytes, weightBytes, rates } = measured;
  const cells = [
    isOther(measure) ? titles[measure] : writtenEditor(measure as EditorName),
    isOther(measure) ? '' : `${count}${failed > 0 ? `, ${failed} failed` : ''}`,
    secondsText(took.clock),
    secondsText(took.processor),
    steps > 0 ? steps.toFixed(0) : '',
    floor === null ? '' : `${secondsText(floor)}, ${(took.processor / floor).toFixed(2)} x`,
    memory(peakBytes, weightBytes),
    peer === undefined ? '' : `${secondsText(peer.processor)} over ${peer.edits}`,
    peer === undefined ? '' : `${(peer.processor / took.processor).toFixed(1)} x`,
    peer === undefined ? '' : memory(peer.peakBytes, weightBytes),
    `${(rates.float32 / 1e9).toFixed(0)}, ${(rates.float64 / 1e9).toFixed(0)}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string' },
      width: { type: 'string' },
      editors: { type: 'string', default: usual },
      sizes: { type: 'string', default: '1,10' },
      threads: { type: 'string', default: `${availableParallelism()}` },
      python: { type: 'string', default: 'python3' },
      easyedit: { type: 'string' },
      'peer-edits': { type: 'string', default: '10' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const [threads, most, ...sizes] = [values.threads, values['peer-edits'], ...values.sizes.split(',')].map(Number);
  if (![threads!, most!, ...sizes].every((count) => Number.isInteger(count) && count >= 1)) {
    process.stderr.write(usage);
    process.exit(2);
  }
  const [folder, changes] =
    values.width === undefined
      ? ['gpt2-small', {}]
      : [`keys-of-${values.width}`, { n_inner: Number(values.width), n_layer: 1, n_embd: 256, n_head: 4 }];
  const model =
    values.model ??
    (await writeGpt2Small(fileURLToPath(new URL(`../../.errata/bench/${folder}`, import.meta.url)), changes));
  const orders = values.editors.split(',').flatMap((name): Order[] => {
    if (isOther(name)) return [{ measure: name, model, count: 1 }];
    const editor = requireEditor(name);
    const counts = describeEditor(editor).batched ? sizes : [1];
    return counts.map((count) => ({ measure: editor, model, count }));
  });
  console.log(
    `${values.model ?? `random weights, ${folder}`}, ${threads} threads, ${cpus()[0]?.model ?? 'a processor'}, Node ${process.version}\n`,
  );
  console.log(
    '| editor | edits at once | an edit, by the clock | processor time | steps | at least | peak memory, weights = 1 | EasyEdit, processor time | times as fast | its peak | Gflop in a second of a processor, float32 and 64 |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|---|---|');
  const missing = new Set<string>();
  for (const order of orders) {
    const ours = await inChild(order, threads!);
    let peer: Peer | string | undefined;
    if (values.easyedit !== undefined && ours.given !== null && peers.includes(order.measure)) {
      const batch = Math.min(most!, order.count);
      const given = { ...ours.given, edits: ours.given.edits.slice(0, Math.max(batch, 2)), batch };
      peer = await byPeer({ python: values.python, checkout: values.easyedit, threads: threads! }, order, given);
    }
    if (typeof peer === 'string') missing.add(`${order.measure}: ${peer}`);
    console.log(rowOf(order, ours, typeof peer === 'string' ? undefined : peer));
  }
  for (const reason of missing) console.log(`\nNo peer for ${reason}`);
}

const orderAt = process.argv.indexOf('--order');
if (orderAt > 0 && process.send) {
  const measured = await runOrder(JSON.parse(process.argv[orderAt + 1]!) as Order);
  process.send(measured, () => process.disconnect());
}
