// UltraEdit: what target tokens ask of a matrix, by one gradient scaled by all that was seen before, solved as least squares (Gu et al. 2025).
import { multiply, solvePositive, transposeMatrix } from '@errata/graph';
import { type DecoderSpec, type Delta, memoryAt, valueMatrix } from '@errata/models';
import type { EditOutcome, Editor, EditorDelta, LossTerms } from '../../editor.ts';
import {
  alreadyHolds,
  attempt,
  attemptEach,
  changeNorms,
  heldOutcome,
  nllOnly,
  requireChange,
  valueDelta,
} from '../../outcomes.ts';
import { type LeastSquaresUpdate, rowsToMatrix } from '../../solve/least-squares.ts';
import { type LaidOutEdit, layOutEdit, targetProbabilities } from '../../texts/teacher-forcing.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import { type Features, type LayerFeatures, readFeatures } from './features.ts';
import { type Statistics, scaledBy, statisticsOf } from './scaling.ts';
import type { UltraEditSettings } from './settings.ts';

interface Start extends LaidOutEdit {
  readonly loss: LossTerms;
  readonly probability: number;
}

const statisticsPlace = ({ mlpWidth, width }: DecoderSpec): string => `mlp outputs of ${mlpWidth} to ${width}`;

/** Edits in runs of `batch_size`, in order. */
const inRuns = <T>(edits: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(edits.length / size) }, (_, run) => edits.slice(run * size, (run + 1) * size));

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
  const h = rowsToMatrix(keys.map((key) => Float64Array.from(key)));
  const system = await multiply(h, h, { transB: true });
  for (let i = 0; i < system.rows; i++) system.data[i * system.columns + i]! += 1;
  const valueSide = await solvePositive(system, rowsToMatrix(wanted));
  return { keySide: transposeMatrix(h), valueSide };
}

/** As two factors, or as the matrix they make where that is smaller. */
async function deltaOf(
  spec: DecoderSpec,
  layer: number,
  custom_ids: readonly string[],
  { keySide, valueSide }: LeastSquaresUpdate,
): Promise<Delta> {
  const [inSize, outSize, rank] = [keySide.rows, valueSide.columns, valueSide.rows];
  if (rank * (inSize + outSize) < inSize * outSize)
    return valueDelta(spec, layer, custom_ids, rank, keySide.data, valueSide.data);
  const { weight: tensor, orientation } = valueMatrix(spec, layer);
  const product = await multiply(keySide, valueSide);
  const data = Float32Array.from((orientation === 'in_out' ? product : transposeMatrix(product)).data);
  requireChange([data], layer, custom_ids);
  return { kind: 'dense', tensor, data };
}

/** UltraEdit. What it has seen stays with the version, as `feature_statistics`; every batch is scaled by its own tokens too. */
export const edit: Editor<UltraEditSettings> = async (editorInput, options) => {
  const { view, edits, config } = editorInput;
  const { layers, learning_rate } = config;
  const { onProgress, signal } = options;
  const source = sequenceSource(editorInput);
  const outcomes = new Map<string, EditOutcome>();
  const note = (more: Iterable<EditOutcome>) => {
    for (const outcome of more) outcomes.set(outcome.custom_id, outcome);
  };
  const { made: laidOut, failed: lost } = await attemptEach(edits, options, (edit) => layOutEdit(source, edit));
  note(lost);
  const before = await targetProbabilities(view, laidOut);
  const starts = laidOut.map(
    (one, i): Start => ({ ...one, loss: nllOnly(-Math.log(before[i]!)), probability: before[i]! }),
  );
  const asked = starts.filter(({ edit, loss, probability }) => {
    const held = alreadyHolds(loss, config);
    if (held) note([heldOutcome(edit.custom_id, loss, probability)]);
    return !held;
  });
  const custom_ids = asked.map(({ edit }) => edit.custom_id);
  const deltas: EditorDelta[] = [];
  const failed = await attempt(
    asked.map(({ edit }) => edit),
    options,
    async () => {
      if (asked.length === 0) return;
      const runs: Features[] = [];
      for (const run of inRuns(asked, config.batch_size)) {
        signal?.throwIfAborted();
        onProgress?.({ phase: 'train', done: runs.length * config.batch_size, edits: edits.length });
        runs.push(await readFeatures(view, layers, run));
      }
      const byLayer = new Map(layers.map((layer) => [layer, together(runs, layer)]));
      const seen = statisticsOf(statisticsPlace(view.spec), [...byLayer.values()]);
      const { memories } = view.with([seen]);
      const statistics = memoryAt(memories, 'feature_statistics', seen.of)!;
      for (const [i, layer] of layers.entries()) {
        onProgress?.({ phase: 'solve', done: 0, edits: edits.length, layer, step: i + 1, steps: layers.length });
        const update = await solve(byLayer.get(layer)!, statistics, learning_rate);
        deltas.push({ delta: await deltaOf(view.spec, layer, custom_ids, update), custom_ids });
      }
      deltas.push({ delta: seen, custom_ids });
      const edited = view.with(deltas.map(({ delta }) => delta));
      const norms = layers.map((layer) => changeNorms(view, edited, layer, valueMatrix(view.spec, layer).weight));
      const after = await targetProbabilities(edited, asked);
      note(
        asked.map(({ edit: { custom_id }, loss, probability }, i) => ({
          custom_id,
          outcome: 'applied',
          diagnostics: {
            steps: 1,
            first_loss: loss,
            last_loss: nllOnly(-Math.log(after[i]!)),
            target_probability: { before: probability, after: after[i]! },
            deltas: norms,
          },
        })),
      );
    },
  );
  if (failed.size > 0) deltas.length = 0;
  note(failed.values());
  onProgress?.({ phase: 'solve', done: edits.length, edits: edits.length });
  return { deltas, outcomes: edits.map(({ custom_id }) => outcomes.get(custom_id)!) };
};
