// T-Patcher: every token of an answer that the model does not say gets a neuron beside the last MLP, which is trained to (Huang et al. 2023).
import { ErrataError } from '@errata/contracts';
import { adamW, clipGlobalNorm, float32, float32Data, int32, int32Data, joinedArrays } from '@errata/graph';
import { type Activation, captureName, causalBias, type NeuronsDelta, uniform, type View } from '@errata/models';
import type { Editor, EditorOptions } from '../../editor.ts';
import { requireChange } from '../../outcomes.ts';
import { runPruned } from '../../search/programs.ts';
import { prefixTexts } from '../../texts/prefix-texts.ts';
import { type LaidOutEdit, promptIds } from '../../texts/teacher-forcing.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { neuronsThere } from '../neurons-there.ts';
import { editOneByOne } from '../one-by-one.ts';
import { patchProgram, shapesOf, type Trained, trained } from './losses.ts';
import type { TPatcherSettings } from './settings.ts';

/** Largest norm of all gradients of a step together (the repository's). */
const clip = 5;

/** What the MLP of the layer takes at every token of some texts, `[tokens, width]`. */
async function queriesOf(view: View, layer: number, texts: readonly (readonly number[])[]): Promise<Float32Array> {
  const at = { site: 'mlp_in', layer } as const;
  return (await view.activations(texts, [at], 'all')).get(captureName(at))!;
}

/** The target tokens that the model does not say, the least likely first of them where there are too many; the least likely one where it says all. */
async function mistakesOf(view: View, { sequence }: LaidOutEdit, most: number): Promise<readonly number[]> {
  const [score] = await view.score([{ prompt: promptIds(sequence), target: sequence.targetIds }]);
  const { best, logProbs } = score!;
  const byProbability = [...logProbs.keys()].sort((a, b) => logProbs[a]! - logProbs[b]!);
  const wrong = byProbability.filter((token) => best[token] !== sequence.targetIds[token]);
  return (wrong.length > 0 ? wrong : byProbability.slice(0, 1)).slice(0, most).sort((a, b) => a - b);
}

/** PyTorch's ReduceLROnPlateau, factor 0.5, patience 1: halved at the second loss in a row that is not smaller by a ten-thousandth. */
function plateau(rate: number) {
  let [best, bad, now] = [Number.POSITIVE_INFINITY, 0, rate];
  return {
    rate: () => now,
    look: (loss: number) => {
      if (loss < best * (1 - 1e-4)) [best, bad] = [loss, 0];
      else if (++bad > 1) [now, bad] = [now / 2, 0];
    },
  };
}

/** Neurons as they are before the first step: key q / |q|^2, so that each is excited by one; values uniform within 1 / sqrt(width). */
function initialNeurons(queries: readonly Float32Array[], settings: TPatcherSettings, seed: number, stream: number) {
  const width = queries[0]!.length;
  const next = uniform(seed, stream);
  const bound = 1 / Math.sqrt(width);
  const keys = queries.flatMap((q) => {
    const squared = q.reduce((sum, x) => sum + x * x, 0);
    return [...q.map((x) => x / squared)];
  });
  return new Map<Trained, Float32Array>([
    ['keys', Float32Array.from(keys)],
    ['biases', new Float32Array(queries.length)],
    ['values', Float32Array.from({ length: queries.length * width }, () => bound * (2 * next() - 1))],
    ['scale', Float32Array.of(settings.initial_scale)],
  ]);
}

interface Patch {
  readonly delta: NeuronsDelta;
  readonly steps: number;
}

async function trainPatch(
  view: View,
  settings: TPatcherSettings,
  history: Float32Array,
  { edit, sequence }: LaidOutEdit,
  drawn: { readonly seed: number; readonly stream: number },
  { signal }: EditorOptions,
  onStep: (step: number, loss: number) => void,
): Promise<Patch> {
  const { layer } = settings;
  const { width, blocks } = view.spec;
  const activation: Activation = settings.activation === 'relu' ? 'relu' : blocks[layer]!.mlp.activation;
  const mistakes = await mistakesOf(view, { edit, sequence }, settings.neurons);
  const own = mistakes.map((token) => sequence.targetStart + token);
  const n = own.length;
  const queries = await queriesOf(view, layer, [sequence.ids]);
  const weights = initialNeurons(
    own.map((row) => queries.slice(row * width, (row + 1) * width)),
    settings,
    drawn.seed,
    drawn.stream,
  );
  const before =
    layer === 0 ? ({ site: 'embed', layer: 0 } as const) : ({ site: 'block_out', layer: layer - 1 } as const);
  const hidden = (await view.activations([sequence.ids], [before], 'all')).get(captureName(before))!;
  const there = neuronsThere(view, layer);
  const states = history.length / width;
  const program = await patchProgram(view, settings, activation, n, Math.min(settings.greatest, states * n), there);
  const time = sequence.ids.length;
  const rows = sequence.targetIds.map((_, token) => sequence.targetStart + token);
  const numbers = (values: ArrayLike<number>) => int32([values.length], Int32Array.from(values));
  const feeds = {
    ...there.feeds,
    hidden: float32([time, width], hidden),
    positions: int32(
      [time],
      Int32Array.from({ length: time }, (_, t) => t),
    ),
    bias: float32([1, 1, time, time], causalBias(1, time)),
    rows: numbers(rows),
    targets: numbers(sequence.targetIds),
    row_weights: float32([rows.length], new Float32Array(rows.length).fill(1 / rows.length)),
    own: numbers(own),
    place: numbers([...own.keys()]),
    history: float32([states, width], history),
  };
  const shapes = shapesOf(n, width);
  const evaluate = () =>
    runPruned(program, {
      ...feeds,
      ...Object.fromEntries(trained.map((name) => [name, float32(shapes[name], weights.get(name)!)])),
    });
  const optimizer = adamW();
  const schedule = plateau(settings.learning_rate);
  const isAsked = (step: number) =>
    step === settings.steps ||
    (step >= settings.first_check && (step - settings.first_check) % settings.check_every === 0);
  let step = 0;
  for (; ; step++) {
    signal?.throwIfAborted();
    const out = await evaluate();
    const of = (name: string) => float32Data(out[name]!)[0]!;
    onStep(step, of('loss'));
    if (!Number.isFinite(of('loss')))
      throw new ErrataError('non_finite_delta', `${edit.custom_id}: training diverged in step ${step}`);
    if (isAsked(step)) {
      const right = int32Data(out.best!).every((id, token) => id === sequence.targetIds[token]);
      if (step === settings.steps || (right && of('silent') < settings.memory_loss)) break;
      schedule.look(of('loss'));
    }
    const gradients = new Map(trained.map((name) => [name, float32Data(out[`d ${name}`]!)] as const));
    clipGlobalNorm(gradients, clip);
    for (const [name, gradient] of gradients)
      for (let i = 0; i < gradient.length; i++) gradient[i]! += settings.weight_decay * weights.get(name)![i]!;
    await optimizer.step(weights, gradients, schedule.rate());
  }
  const scale = weights.get('scale')![0]!;
  const [keys, biases, values] = [
    weights.get('keys')!,
    weights.get('biases')!,
    weights.get('values')!.map((v) => v * scale),
  ];
  requireChange([values], layer, [edit.custom_id]);
  return { delta: { kind: 'neurons', layer, activation, width, keys, biases, values }, steps: step };
}

/** T-Patcher. Edits are made in order, each beside the neurons of those before it, and leave neurons of their own. */
export const edit: Editor<TPatcherSettings> = async (editorInput, options) => {
  const { view, edits, config, seed } = editorInput;
  const tokenizer = requireTokenizer(editorInput);
  const texts = (await prefixTexts(editorInput)).map((text) => [...tokenizer.prefixIds, ...tokenizer.encode(text)]);
  let history = await queriesOf(view, config.layer, texts);
  let stream = 0;
  return editOneByOne(editorInput, options, {
    phase: 'train',
    make: async ({ edit: { custom_id }, laidOut, served, done }) => {
      const progress = { phase: 'train', done, edits: edits.length, custom_id, layer: config.layer } as const;
      const patch = await trainPatch(served, config, history, laidOut, { seed, stream }, options, (step, loss) =>
        options.onProgress?.({ ...progress, step, steps: config.steps, loss }),
      );
      const own = await queriesOf(served, config.layer, [laidOut.sequence.ids]);
      history = joinedArrays([history, own]);
      stream += 1;
      return patch;
    },
  });
};
