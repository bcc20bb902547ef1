// Seconds an edit: the ROME value search as the editors run it, against its plain form, on random weights of GPT-2 small's shape.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ContextSequence, EditSequences } from '@errata/editors';
import { prepareSearch, searchValues } from '@errata/editors';
import { decoderSpec, modelFromWeights, uniform } from '@errata/models';
import { median } from './median.ts';
import { naiveSearcher } from './naive-value-search.ts';

const config = {
  model_type: 'gpt2',
  vocab_size: 50257,
  n_positions: 1024,
  n_embd: 768,
  n_layer: 12,
  n_head: 12,
};
const layer = 4;
const contextCount = 21;
const settings = {
  steps: 25,
  learning_rate: 0.5,
  weight_decay: 0.5,
  clamp_factor: 4,
  kl_factor: 0.0625,
  stop_loss: 0.05,
} as const;

/** Roles of the child processes: each form has a process of its own, so that peak memory is its own too. */
const roles = ['naive', 'ours'] as const;
type Role = (typeof roles)[number];

interface Measured {
  readonly role: Role;
  readonly seconds: readonly number[];
  readonly steps: readonly number[];
  readonly nll: readonly number[];
  readonly peakMegabytes: number;
}

function spec() {
  return decoderSpec(config);
}

/**
 * Weights of about GPT-2's initial spread, attention and MLP threefold. No offset at one token brings a random model to one
 * answer, so every search runs to its last step: what early stopping saves on a trained model comes on top.
 */
function weights(): ReadonlyMap<string, Float32Array> {
  const out = new Map<string, Float32Array>();
  let stream = 0;
  for (const [name, dims] of spec().parameters) {
    const next = uniform(11, stream++);
    const spread = name.includes('.attn.') || name.includes('.mlp.') ? 0.06 : 0.02;
    const size = dims.reduce((a, b) => a * b, 1);
    const data = new Float32Array(size);
    if (dims.length === 1) data.fill(name.endsWith('weight') ? 1 : 0);
    else for (let i = 0; i < size; i++) data[i] = spread * (next() + next() + next() - 1.5) * 2;
    out.set(name, data);
  }
  return out;
}

/** An edit as ROME reads one: a prompt of 10 tokens, subject in the middle, bare and behind prefixes of 6 and 11 tokens. */
function sequences(index: number): EditSequences {
  const next = uniform(23, index);
  const token = () => Math.floor(next() * config.vocab_size);
  const prompt = Array.from({ length: 10 }, token);
  const targetIds = [token(), token()];
  const subject = { from: 3, last: 6 };
  const behind = (length: number): ContextSequence => {
    const prefix = Array.from({ length }, token);
    return {
      ids: [...prefix, ...prompt, targetIds[0]!],
      subjectLast: length + subject.last,
      targetStart: length + prompt.length - 1,
      targetIds,
    };
  };
  const prefixed = Array.from({ length: contextCount - 1 }, (_, i) => behind(i < 10 ? 6 : 11));
  const name = prompt.slice(subject.from, subject.last + 1);
  return {
    custom_id: `${index}`,
    contexts: [behind(0), ...prefixed],
    prefixes: { used: prefixed.length, left_out: 0 },
    essence: { ids: name, subjectLast: name.length - 1 },
  };
}

async function measure(role: Role): Promise<Measured> {
  const edits = role === 'naive' ? 2 : 3;
  const seconds: number[] = [];
  const steps: number[] = [];
  const nll: number[] = [];
  const timed = async (work: () => Promise<void>) => {
    const start = performance.now();
    await work();
    seconds.push((performance.now() - start) / 1000);
  };
  const own = weights();
  if (role === 'naive') {
    const first = sequences(0);
    const time = Math.max(...first.contexts.map(({ ids }) => ids.length));
    const naive = await naiveSearcher(spec(), (name) => own.get(name)!, layer, contextCount + 1, time);
    await naive.search(first, { ...settings, steps: 1 });
    for (let i = 0; i < edits; i++) {
      await timed(async () => {
        nll.push((await naive.search(sequences(i), settings)).nll);
        steps.push(settings.steps);
      });
    }
  } else {
    const view = modelFromWeights(spec(), own).view();
    const run = async (index: number, steps: number) => {
      const prepared = await prepareSearch(view, { layer, site: 'mlp_out' }, [sequences(index)]);
      const found = await searchValues(view, [prepared], { ...settings, steps });
      return found[0]!;
    };
    await run(0, 1);
    for (let i = 0; i < edits; i++) {
      await timed(async () => {
        const found = await run(i, settings.steps);
        nll.push(found.last.nll);
        steps.push(found.steps);
      });
    }
  }
  return { role, seconds, steps, nll, peakMegabytes: process.resourceUsage().maxRSS / 1024 };
}

function inChild(role: Role): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--role', role], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child.once('message', (message) => resolve(message as Measured));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${role} ended with code ${code}`)));
  });
}

/** Runs both forms one after another and prints the table. */
export async function main(_args: readonly string[]): Promise<void> {
  console.log(
    `ROME value search, GPT-2-small shape, layer ${layer}, ${contextCount} prompts of about 20 tokens, ${settings.steps} steps at most`,
  );
  const results = new Map<Role, Measured>();
  for (const role of roles) results.set(role, await inChild(role));
  const titles: Record<Role, string> = {
    naive: 'whole model, no caches, no early stop',
    ours: 'suffix, positions from the subject on',
  };
  const floor = median(results.get('naive')!.seconds);
  console.log('\nform                                     s/edit   times   steps   last NLL   peak MB');
  for (const role of roles) {
    const { seconds, steps, nll, peakMegabytes } = results.get(role)!;
    const each = median(seconds);
    console.log(
      [
        titles[role].padEnd(38),
        each.toFixed(2).padStart(8),
        `${(floor / each).toFixed(1)}x`.padStart(7),
        median(steps).toFixed(0).padStart(7),
        median(nll).toFixed(3).padStart(10),
        peakMegabytes.toFixed(0).padStart(9),
      ].join(' '),
    );
  }
}

const roleAt = process.argv.indexOf('--role');
if (roleAt > 0 && process.send) {
  const measured = await measure(process.argv[roleAt + 1] as Role);
  process.send(measured, () => process.disconnect());
}
