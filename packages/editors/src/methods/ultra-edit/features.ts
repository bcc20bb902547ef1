// What UltraEdit reads off a version: for every target token the key of each edited matrix and the gradient at its output.
import { float32, float32Data, gather, gradients, input, int32, type Tensor } from '@errata/graph';
import { buildDecoder, type Tap, type View, type ViewProgram } from '@errata/models';
import { runPruned } from '../../search/programs.ts';
import { packSequences, sequenceFeeds, sequenceInputs } from '../../search/tracer.ts';
import type { LaidOutEdit } from '../../texts/teacher-forcing.ts';
import { tuneTargets } from '../../training/targets.ts';

/** Of one matrix, a row a target token. */
export interface LayerFeatures {
  readonly keys: readonly Float32Array[];
  /** Of the mean loss over the target tokens of the run, with respect to the matrix's output. */
  readonly gradients: readonly Float32Array[];
}

/** What one run over some edits found. */
export interface Features {
  /** Mean loss of each edit over its target tokens, in nats. */
  readonly losses: readonly number[];
  readonly layers: ReadonlyMap<number, LayerFeatures>;
}

function featureProgram(view: View, layers: readonly number[]): Promise<ViewProgram> {
  return view.program(`ultra-edit ${layers.join(' ')}`, (weight) => {
    const rows = input('rows', 'int32', ['R']);
    const outputs = new Map<number, Tensor>();
    const found: Record<string, Tensor> = {};
    const tap: Tap = (site, layer, x) => {
      if (!layers.includes(layer)) return x;
      if (site === 'mlp_key') found[`key_${layer}`] = gather(x, rows);
      if (site === 'mlp_out') outputs.set(layer, x);
      return x;
    };
    const { crossEntropy } = buildDecoder(view.spec, { ...sequenceInputs(), weight, rows, tap });
    const { loss, logProbs } = crossEntropy(input('targets', 'int32', ['R']), input('row_weights', 'float32', ['R']));
    const slopes = gradients(loss, [...outputs.values()]);
    for (const [i, layer] of [...outputs.keys()].entries()) found[`gradient_${layer}`] = gather(slopes[i]!, rows);
    return { ...found, log_probs: logProbs };
  });
}

/** Runs edits side by side. */
export async function readFeatures(
  view: View,
  layers: readonly number[],
  edits: readonly LaidOutEdit[],
): Promise<Features> {
  const program = await featureProgram(view, layers);
  const sequences = edits.map(({ sequence }) => sequence);
  const packed = packSequences(sequences);
  const { rows, targets, spans } = tuneTargets(sequences, packed.time, 'target_new');
  const count = rows.length;
  const out = await runPruned(program, {
    ...sequenceFeeds(packed),
    rows: int32([count], Int32Array.from(rows)),
    targets: int32([count], Int32Array.from(targets)),
    row_weights: float32([count], new Float32Array(count).fill(1 / count)),
  });
  const logProbs = float32Data(out.log_probs!);
  const vectors = (name: string): readonly Float32Array[] => {
    const data = float32Data(out[name]!);
    const size = data.length / count;
    return Array.from({ length: count }, (_, row) => data.slice(row * size, (row + 1) * size));
  };
  return {
    losses: spans.map(([from, to]) => -logProbs.subarray(from, to).reduce((sum, x) => sum + x, 0) / (to - from)),
    layers: new Map(
      layers.map((layer) => [layer, { keys: vectors(`key_${layer}`), gradients: vectors(`gradient_${layer}`) }]),
    ),
  };
}
