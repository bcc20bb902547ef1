// Training what stands beside the weights of a model: Adam on numbers that a tap puts to use, over all of some edits at every step.
import { ErrataError } from '@errata/contracts';
import {
  adamW,
  float32,
  float32Data,
  gradients,
  type HostTensor,
  input,
  int32,
  mulDims,
  type Tensor,
} from '@errata/graph';
import { buildDecoder, type Tap, type View } from '@errata/models';
import { runPruned } from '../search/programs.ts';
import { packSequences, sequenceFeeds, trace } from '../search/tracer.ts';
import type { TargetSequence } from '../texts/sequences.ts';
import { tuneTargets } from './targets.ts';
import type { Parameter } from './train-on-targets.ts';

/** What is trained, and where it acts. */
export interface Beside {
  /** Determines the graph, for one model. */
  readonly key: string;
  /** The first layer that it acts on: what comes before it is run once. */
  readonly from: number;
  readonly parameters: readonly Parameter[];
  /**
   * @param own the tensor of a parameter, by name
   * @param prompts rows of the tokens of prompts, `[S]` int32
   */
  tap(own: (name: string) => Tensor, prompts: Tensor): Tap;
  /** What that takes besides, of versions with more than weights. */
  readonly feeds?: Readonly<Record<string, HostTensor>>;
  readonly steps: number;
  /** It ends below it. */
  readonly stop_loss: number;
  /** Of Adam, at a step counted from 0. */
  rate(step: number): number;
}

/** How a training went. */
export interface Course {
  readonly steps: number;
  /** Of each edit, as the optimiser left it. */
  readonly losses: readonly number[];
}

const gradientName = (name: string): string => `d ${name}`;

const programOf = (view: View, { key, from, parameters, tap }: Beside) =>
  view.program(key, (weight) => {
    const { spec } = view;
    const tensors = new Map(parameters.map(({ name, shape }) => [name, input(name, 'float32', shape)]));
    const tokens = mulDims('B', 'T');
    const { crossEntropy } = buildDecoder(spec, {
      batch: 'B',
      time: 'T',
      start: { kind: 'hidden', hidden: input('hidden', 'float32', [tokens, spec.width]) },
      from,
      positions: input('positions', 'int32', [tokens]),
      bias: input('bias', 'float32', ['B', 1, 'T', 'T']),
      rows: input('rows', 'int32', ['R']),
      weight,
      tap: tap((name) => tensors.get(name)!, input('prompt_tokens', 'int32', ['D'])),
    });
    const { loss, logProbs } = crossEntropy(input('targets', 'int32', ['R']), input('row_weights', 'float32', ['R']));
    const found = gradients(loss, [...tensors.values()]);
    return {
      loss,
      log_probs: logProbs,
      ...Object.fromEntries(parameters.map(({ name }, i) => [gradientName(name), found[i]!])),
    };
  });

/** Trains in place. @throws ErrataError `non_finite_delta` where it diverges; the signal's reason */
export async function trainBeside(
  view: View,
  beside: Beside,
  sequences: readonly TargetSequence[],
  signal: AbortSignal | undefined,
  onStep: (step: number, loss: number) => void,
): Promise<Course> {
  const { from, parameters, steps, stop_loss, rate } = beside;
  const traced = sequences.map((sequence) => ({ ...sequence, subjectLast: 0 }));
  const { hidden } = await trace(view, { recorded: [], suffix: { from, caches: false } }, traced);
  const packed = packSequences(traced, view.spec.over);
  const { ids: _, ...layout } = sequenceFeeds(packed);
  const read = tuneTargets(sequences, packed.time, 'target_new');
  const prompts = sequences.flatMap(({ targetStart }, b) =>
    Array.from({ length: targetStart + 1 }, (_, t) => b * packed.time + t),
  );
  const numbers = (values: readonly number[]) => int32([values.length], Int32Array.from(values));
  const feeds = {
    ...beside.feeds,
    ...layout,
    hidden: float32([packed.batch * packed.time, view.spec.width], hidden),
    prompt_tokens: numbers(prompts),
    rows: numbers(read.rows),
    targets: numbers(read.targets),
    row_weights: float32([read.weights.length], Float32Array.from(read.weights)),
  };
  const program = await programOf(view, beside);
  const optimizer = adamW();
  const weights = new Map(parameters.map(({ name, values }) => [name, values]));
  for (let step = 0; ; step++) {
    signal?.throwIfAborted();
    const own = parameters.map(({ name, shape, values }) => [name, float32(shape, values)] as const);
    const out = await runPruned(program, { ...feeds, ...Object.fromEntries(own) });
    const loss = float32Data(out.loss!)[0]!;
    onStep(step, loss);
    if (!Number.isFinite(loss)) throw new ErrataError('non_finite_delta', `training diverged in step ${step}`);
    if (loss < stop_loss || step === steps) {
      const logProbs = float32Data(out.log_probs!);
      const lossOf = ([start, end]: readonly [number, number]) =>
        -logProbs.subarray(start, end).reduce((a, b) => a + b, 0) / (end - start);
      return { steps: step, losses: read.spans.map(lossOf) };
    }
    const slopes = parameters.map(({ name }) => [name, float32Data(out[gradientName(name)]!)] as const);
    await optimizer.step(weights, new Map(slopes), rate(step));
  }
}
