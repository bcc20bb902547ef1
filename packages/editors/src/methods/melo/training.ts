// A LoRA block while it is trained: the graph from its first layer on, with the block acting at the tokens of prompts.

import { ErrataError } from '@errata/contracts';
import {
  adamW,
  add,
  float32,
  float32Data,
  gather,
  gemm,
  gradients,
  input,
  int32,
  mul,
  mulDims,
  scatterRows,
  type Tensor,
} from '@errata/graph';
import { type BlockFactors, buildDecoder, type Tap, uniform, type View, type ViewProgram } from '@errata/models';
import type { EditorOptions } from '../../editor.ts';
import { runPruned } from '../../search/programs.ts';
import { packSequences, sequenceFeeds, trace } from '../../search/tracer.ts';
import type { TargetSequence } from '../../texts/sequences.ts';
import { tuneTargets } from '../../training/targets.ts';
import type { MeloSettings } from './settings.ts';

/** Steps after which the learning rate is halved (the repository's). */
const halvedAfter = 20;

const partName = (part: 'a' | 'b', target: number): string => `${part} ${target}`;

function blockProgram(view: View, { targets, rank, scale }: MeloSettings): Promise<ViewProgram> {
  const { spec } = view;
  const { width, mlpWidth } = spec;
  return view.program(`melo ${targets.join(' ')} ${rank} ${scale}`, (weight) => {
    const factors = targets.map((_, target) => ({
      a: input(partName('a', target), 'float32', [width, rank]),
      b: input(partName('b', target), 'float32', [rank, mlpWidth]),
    }));
    const prompts = input('prompt_tokens', 'int32', ['S']);
    const inputs = new Map<number, Tensor>();
    const tap: Tap = (site, at, x) => {
      if (site === 'mlp_in') inputs.set(at, x);
      const target = targets.indexOf(at);
      if (site !== 'mlp_pre' || target < 0) return x;
      const { a, b } = factors[target]!;
      const more = mul(gemm(gemm(gather(inputs.get(at)!, prompts), a), b), scale);
      return scatterRows(x, prompts, add(gather(x, prompts), more));
    };
    const tokens = mulDims('B', 'T');
    const { crossEntropy } = buildDecoder(spec, {
      batch: 'B',
      time: 'T',
      start: { kind: 'hidden', hidden: input('hidden', 'float32', [tokens, width]) },
      from: targets[0]!,
      positions: input('positions', 'int32', [tokens]),
      bias: input('bias', 'float32', ['B', 1, 'T', 'T']),
      rows: input('rows', 'int32', ['R']),
      weight,
      tap,
    });
    const { loss, logProbs } = crossEntropy(input('targets', 'int32', ['R']), input('row_weights', 'float32', ['R']));
    const slopes = gradients(
      loss,
      factors.flatMap(({ a, b }) => [a, b]),
    );
    return {
      loss,
      log_probs: logProbs,
      ...Object.fromEntries(
        targets.flatMap((_, target) =>
          (['a', 'b'] as const).map((part, i) => [`d ${partName(part, target)}`, slopes[2 * target + i]!]),
        ),
      ),
    };
  });
}

/** A uniform within 1 / sqrt(scale * rank), B zero: Kaiming's with a = sqrt(5), of as many ranks as all blocks have together. */
function initialFactors({ spec }: View, { targets, rank, scale }: MeloSettings, seed: number, stream: number) {
  const bound = 1 / Math.sqrt(scale * rank);
  return new Map(
    targets.flatMap((_, target) => {
      const next = uniform(seed, stream * targets.length + target);
      const a = Float32Array.from({ length: spec.width * rank }, () => bound * (2 * next() - 1));
      return [
        [partName('a', target), a] as const,
        [partName('b', target), new Float32Array(rank * spec.mlpWidth)] as const,
      ];
    }),
  );
}

export interface TrainedBlock {
  /** Of every target; `scale` is in B. */
  readonly factors: readonly BlockFactors[];
  readonly steps: number;
  /** Of each edit, as the optimiser left it. */
  readonly losses: readonly number[];
}

/** @param stream of the drawn numbers: another one for every block */
export async function trainBlock(
  view: View,
  settings: MeloSettings,
  sequences: readonly TargetSequence[],
  { seed, stream }: { readonly seed: number; readonly stream: number },
  { signal }: EditorOptions,
  onStep: (step: number, loss: number) => void,
): Promise<TrainedBlock> {
  const { targets, rank, scale } = settings;
  const { spec } = view;
  const traced = sequences.map(({ ids }) => ({ ids, subjectLast: 0 }));
  const { hidden } = await trace(view, { recorded: [], suffix: { from: targets[0]!, caches: false } }, traced);
  const packed = packSequences(traced);
  const { ids: _, ...layout } = sequenceFeeds(packed);
  const read = tuneTargets(sequences, packed.time, 'target_new');
  const prompts = sequences.flatMap(({ targetStart }, b) =>
    Array.from({ length: targetStart + 1 }, (_, t) => b * packed.time + t),
  );
  const numbers = (values: readonly number[]) => int32([values.length], Int32Array.from(values));
  const weights = initialFactors(view, settings, seed, stream);
  const shape = (name: string) => (name.startsWith('a') ? [spec.width, rank] : [rank, spec.mlpWidth]);
  const feeds = {
    ...layout,
    hidden: float32([packed.batch * packed.time, spec.width], hidden),
    prompt_tokens: numbers(prompts),
    rows: numbers(read.rows),
    targets: numbers(read.targets),
    row_weights: float32([read.weights.length], Float32Array.from(read.weights)),
  };
  const program = await blockProgram(view, settings);
  const optimizer = adamW();
  for (let step = 0; ; step++) {
    signal?.throwIfAborted();
    const own = [...weights].map(([name, data]) => [name, float32(shape(name), data)] as const);
    const out = await runPruned(program, { ...feeds, ...Object.fromEntries(own) });
    const loss = float32Data(out.loss!)[0]!;
    onStep(step, loss);
    if (!Number.isFinite(loss)) throw new ErrataError('non_finite_delta', `training diverged in step ${step}`);
    if (loss < settings.stop_loss || step === settings.steps) {
      const logProbs = float32Data(out.log_probs!);
      const meanOf = (span: readonly [number, number]) => {
        const part = logProbs.subarray(...span);
        return -part.reduce((a, b) => a + b, 0) / part.length;
      };
      return {
        factors: targets.map((_, target) => ({
          a: weights.get(partName('a', target))!,
          b: weights.get(partName('b', target))!.map((x) => x * scale),
        })),
        steps: step,
        losses: read.spans.map(meanOf),
      };
    }
    const slopes = [...weights.keys()].map((name) => [name, float32Data(out[`d ${name}`]!)] as const);
    await optimizer.step(weights, new Map(slopes), settings.learning_rate * 0.5 ** Math.floor(step / halvedAfter));
  }
}
