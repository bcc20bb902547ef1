// FT-M and FT-L: gradient descent on one MLP matrix, the rest of the model frozen.
import { ErrataError } from '@errata/contracts';
import { adamW, float32, float32Data, gradients, input, int32, linearCrossEntropy, mulDims } from '@errata/graph';
import { buildDecoder, matrixShape, type View, type ViewProgram, valueMatrix } from '@errata/models';
import type { EditOutcome, Editor, EditorDelta } from '../../editor.ts';
import { alreadyHolds, attempt, changeNorms, heldOutcome, nllOnly, requireChange } from '../../outcomes.ts';
import { runPruned } from '../../search/programs.ts';
import { packSequences, sequenceFeeds, trace } from '../../search/tracer.ts';
import { sequenceSource } from '../../texts/preparation.ts';
import { type LaidOutEdit, layOutEdit, targetProbabilities } from '../../texts/teacher-forcing.ts';
import type { FineTuneSettings } from './settings.ts';

/** A mini-batch with everything that training does not change. */
interface FrozenBatch {
  readonly members: readonly number[];
  readonly feeds: Awaited<ReturnType<typeof freeze>>;
  /** Target rows of each member in the loss's `log_probs`. */
  readonly spans: readonly (readonly [number, number])[];
}

/**
 * The graph from the trained layer on, over all positions: a change of W_out reaches every one. W_out is an input of every
 * program of a version; the loss and its gradient come back.
 */
function tuneProgram(view: View, layer: number): Promise<ViewProgram> {
  const { spec } = view;
  return view.program(`fine-tune ${layer}`, (weight) => {
    const tokens = mulDims('B', 'T');
    const { normed } = buildDecoder(spec, {
      batch: 'B',
      time: 'T',
      start: { kind: 'hidden', hidden: input('hidden', 'float32', [tokens, spec.width]) },
      from: layer,
      positions: input('positions', 'int32', [tokens]),
      bias: input('bias', 'float32', ['B', 1, 'T', 'T']),
      rows: input('rows', 'int32', ['R']),
      weight,
    });
    const { loss, logProbs } = linearCrossEntropy(
      normed!,
      weight(spec.head.weight),
      spec.head.orientation,
      input('targets', 'int32', ['R']),
      input('row_weights', 'float32', ['R']),
    );
    const [gradient] = gradients(loss, [weight(valueMatrix(spec, layer).weight)]);
    return { loss, log_probs: logProbs, gradient: gradient! };
  });
}

/**
 * Rows, targets and weights of a batch.
 *
 * The mean over an edit's target tokens, then over edits. `target_new` (FT-M) predicts each token where it belongs. `prompt_last`
 * (FT-L as it is reported) reads every one at the prompt's last position, which for several tokens asks for all of them at once: it
 * cannot tell their order.
 */
export function tuneTargets(batch: readonly LaidOutEdit[], time: number, objective: FineTuneSettings['objective']) {
  const rows: number[] = [];
  const targets: number[] = [];
  const weights: number[] = [];
  const spans: [number, number][] = [];
  for (const [b, { sequence }] of batch.entries()) {
    const start = rows.length;
    const { targetIds, targetStart } = sequence;
    for (const [i, id] of targetIds.entries()) {
      rows.push(b * time + targetStart + (objective === 'target_new' ? i : 0));
      targets.push(id);
      weights.push(1 / (batch.length * targetIds.length));
    }
    spans.push([start, rows.length]);
  }
  return { rows, targets, weights, spans };
}

async function freeze(
  view: View,
  layer: number,
  batch: readonly LaidOutEdit[],
  targets: ReturnType<typeof tuneTargets>,
) {
  const sequences = batch.map(({ sequence }) => sequence);
  const { hidden } = await trace(view, { recorded: [], suffix: { from: layer, caches: false } }, sequences);
  const { ids: _, ...layout } = sequenceFeeds(packSequences(sequences));
  const count = targets.rows.length;
  return {
    ...layout,
    hidden: float32([hidden.length / view.spec.width, view.spec.width], hidden),
    rows: int32([count], Int32Array.from(targets.rows)),
    targets: int32([count], Int32Array.from(targets.targets)),
    row_weights: float32([count], Float32Array.from(targets.weights)),
  };
}

async function freezeBatches(view: View, config: FineTuneSettings, edits: readonly LaidOutEdit[]) {
  const batches: FrozenBatch[] = [];
  for (let from = 0; from < edits.length; from += config.batch_size) {
    const batch = edits.slice(from, from + config.batch_size);
    const time = Math.max(...batch.map(({ sequence }) => sequence.ids.length));
    const targets = tuneTargets(batch, time, config.objective);
    const members = batch.map((_, i) => from + i);
    batches.push({ members, feeds: await freeze(view, config.layer, batch, targets), spans: targets.spans });
  }
  return batches;
}

/** Keeps each weight within `bound` of where it began. */
function clampTo(weight: Float32Array, start: Float32Array, bound: number): void {
  for (let i = 0; i < weight.length; i++) {
    weight[i] = Math.min(start[i]! + bound, Math.max(start[i]! - bound, weight[i]!));
  }
}

/** The loss of one edit, of the log-probabilities that were read of its target. */
const lossOf = (logProbs: Float32Array): number => -logProbs.reduce((a, b) => a + b, 0) / logProbs.length;

/** The loss of each edit before anything is trained, read of each alone: none depends on which others are in the batch. */
async function startingLosses(
  view: View,
  config: FineTuneSettings,
  edits: readonly LaidOutEdit[],
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  const matrix = valueMatrix(view.spec, config.layer);
  const weight = float32(matrixShape(matrix), view.weight(matrix.weight));
  const program = await tuneProgram(view, config.layer);
  const losses: number[] = [];
  for (const { feeds } of await freezeBatches(view, { ...config, batch_size: 1 }, edits)) {
    signal?.throwIfAborted();
    const out = await runPruned(program, { ...feeds, [matrix.weight]: weight });
    losses.push(lossOf(float32Data(out.log_probs!)));
  }
  return losses;
}

/** One edit's course. */
interface Course {
  last: number;
  steps: number;
}

/**
 * Trains W_out (ROME repository, FT baseline): Adam over mini-batches in the order of the edits, a step skipped where its batch's
 * loss is below `stop_loss`, the end where the mean of a pass is. `weight_decay` is added to the gradient, as Adam has it.
 */
async function train(
  view: View,
  config: FineTuneSettings,
  edits: readonly LaidOutEdit[],
  onEpoch: (epoch: number, loss: number) => void,
  signal: AbortSignal | undefined,
): Promise<{ readonly weight: Float32Array; readonly courses: readonly Course[] }> {
  const { spec } = view;
  const matrix = valueMatrix(spec, config.layer);
  const start = view.weight(matrix.weight);
  const weight = start.slice();
  const program = await tuneProgram(view, config.layer);
  const optimizer = adamW();
  const courses = edits.map((): Course => ({ last: 0, steps: 0 }));
  const batches = await freezeBatches(view, config, edits);
  for (let epoch = 1; epoch <= config.epochs; epoch++) {
    let sum = 0;
    for (const { members, feeds, spans } of batches) {
      signal?.throwIfAborted();
      const out = await runPruned(program, { ...feeds, [matrix.weight]: float32(matrixShape(matrix), weight) });
      const loss = float32Data(out.loss!)[0]!;
      if (!Number.isFinite(loss)) throw new ErrataError('non_finite_delta', `fine-tuning diverged in pass ${epoch}`);
      sum += loss * members.length;
      const logProbs = float32Data(out.log_probs!);
      for (const [i, member] of members.entries()) {
        const course = courses[member]!;
        course.last = lossOf(logProbs.subarray(...spans[i]!));
        if (loss >= config.stop_loss) course.steps++;
      }
      if (loss < config.stop_loss) continue;
      const gradient = float32Data(out.gradient!);
      if (config.weight_decay > 0)
        for (let i = 0; i < gradient.length; i++) gradient[i]! += config.weight_decay * weight[i]!;
      await optimizer.step(new Map([['w', weight]]), new Map([['w', gradient]]), config.learning_rate);
      if (config.norm_constraint !== null) clampTo(weight, start, config.norm_constraint);
    }
    onEpoch(epoch, sum / edits.length);
    if (sum / edits.length < config.stop_loss) break;
  }
  return { weight, courses };
}

/** FT-M and FT-L: which of the two is in the settings (`objective`, `norm_constraint`). All edits of a batch share one delta. */
export const edit: Editor<FineTuneSettings> = async (editorInput, options) => {
  const { view, edits, config } = editorInput;
  const { onProgress, signal } = options;
  const source = sequenceSource(editorInput);
  const outcomes = new Map<string, EditOutcome>();
  const note = (more: Iterable<EditOutcome>) => {
    for (const outcome of more) outcomes.set(outcome.custom_id, outcome);
  };
  const laidOut: LaidOutEdit[] = [];
  for (const edit of edits) {
    const failed = await attempt([edit], options, async () => {
      laidOut.push(layOutEdit(source, edit));
    });
    note(failed.values());
  }
  const before = await targetProbabilities(view, laidOut);
  const losses = await startingLosses(view, config, laidOut, signal);
  const starts = laidOut.map((one, i) => ({ ...one, loss: nllOnly(losses[i]!), probability: before[i]! }));
  const learnt = starts.filter(({ edit, loss, probability }) => {
    const held = alreadyHolds(loss, config);
    if (held) note([heldOutcome(edit.custom_id, loss, probability)]);
    return !held;
  });
  const asked = learnt.map(({ edit }) => edit);
  const custom_ids = asked.map(({ custom_id }) => custom_id);
  const deltas: EditorDelta[] = [];
  const failed = await attempt(asked, options, async () => {
    if (learnt.length === 0) return;
    const { weight, courses } = await train(
      view,
      config,
      learnt,
      (step, loss) =>
        onProgress?.({
          phase: 'train',
          done: 0,
          edits: edits.length,
          layer: config.layer,
          step,
          steps: config.epochs,
          loss,
        }),
      signal,
    );
    const { weight: tensor } = valueMatrix(view.spec, config.layer);
    const start = view.weight(tensor);
    const data = weight.map((w, i) => w - start[i]!);
    requireChange([data], config.layer, custom_ids);
    const delta = { kind: 'dense', tensor, data } as const;
    const edited = view.with([delta]);
    const after = await targetProbabilities(edited, learnt);
    const norms = [changeNorms(view, edited, config.layer)];
    deltas.push({ delta, custom_ids });
    note(
      learnt.map(({ edit, loss, probability }, i) => ({
        custom_id: edit.custom_id,
        outcome: 'applied',
        diagnostics: {
          steps: courses[i]!.steps,
          first_loss: loss,
          last_loss: nllOnly(courses[i]!.last),
          target_probability: { before: probability, after: after[i]! },
          deltas: norms,
        },
      })),
    );
  });
  note(failed.values());
  onProgress?.({ phase: 'train', done: edits.length, edits: edits.length });
  return { deltas, outcomes: edits.map(({ custom_id }) => outcomes.get(custom_id)!) };
};
