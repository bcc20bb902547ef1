// UltraEdit: what target tokens ask of a matrix, by one gradient scaled by all that was seen before, solved as least squares (Gu et al. 2025).
import { type DecoderSpec, type Delta, memoryAt, valueMatrix } from '@errata/models';
import type { Editor } from '../../editor.ts';
import { type LeastSquaresUpdate, rowsToMatrix } from '../../solve/least-squares.ts';
import { productDelta } from '../../solve/product-delta.ts';
import { ridgeUpdate } from '../../solve/ridge.ts';
import { inRuns, onePassEditor } from '../one-pass-editor.ts';
import { type Features, type LayerFeatures, readFeatures } from './features.ts';
import { type Statistics, scaledBy, statisticsOf } from './scaling.ts';
import type { UltraEditSettings } from './settings.ts';

const statisticsPlace = ({ mlpWidth, width }: DecoderSpec): string => `mlp outputs of ${mlpWidth} to ${width}`;

/** All target tokens of all runs. */
function together(runs: readonly Features[], layer: number): LayerFeatures {
  const of = (part: keyof LayerFeatures) => runs.flatMap(({ layers }) => layers.get(layer)![part]);
  return { keys: of('keys'), gradients: of('gradients') };
}

/**
 * Delta = (H^T H + I)^-1 H^T V, with a key h a row of H and -learning_rate ||h^||^2 g^ a row of V, ^ marking what is scaled
 * (UltraEdit, equations 5 to 8).
 */
async function solve(
  { keys, gradients }: LayerFeatures,
  statistics: Statistics,
  learningRate: number,
): Promise<LeastSquaresUpdate> {
  const wanted = keys.map((key, token) => {
    const { key: h, gradient: g } = scaledBy(statistics, key, gradients[token]!);
    const strength = -learningRate * h.reduce((sum, x) => sum + x * x, 0);
    return g.map((x) => strength * x);
  });
  return ridgeUpdate(rowsToMatrix(keys.map((key) => Float64Array.from(key))), rowsToMatrix(wanted), 1);
}

/** UltraEdit. What it has seen stays with the version, as `feature_statistics`; every batch is scaled by its own tokens too. */
export const edit: Editor<UltraEditSettings> = onePassEditor(async ({ view, config }, asked, options) => {
  const { layers, learning_rate, batch_size } = config;
  const { onProgress, signal } = options;
  const custom_ids = asked.map(({ edit: { custom_id } }) => custom_id);
  const runs: Features[] = [];
  for (const run of inRuns(asked, batch_size)) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'train', done: runs.length * batch_size, edits: asked.length });
    runs.push(await readFeatures(view, layers, run));
  }
  const byLayer = new Map(layers.map((layer) => [layer, together(runs, layer)]));
  const seen = statisticsOf(statisticsPlace(view.spec), [...byLayer.values()]);
  const { memories } = view.with([seen]);
  const statistics = memoryAt(memories, 'feature_statistics', seen.of)!;
  const deltas: Delta[] = [];
  for (const [i, layer] of layers.entries()) {
    onProgress?.({ phase: 'solve', done: 0, edits: asked.length, layer, step: i + 1, steps: layers.length });
    const { keySide, valueSide } = await solve(byLayer.get(layer)!, statistics, learning_rate);
    deltas.push(await productDelta(valueMatrix(view.spec, layer), layer, custom_ids, keySide.data, valueSide.data));
  }
  const changed = layers.map((layer) => ({ layer, tensor: valueMatrix(view.spec, layer).weight }));
  return { deltas: [...deltas, seen], changed };
});
