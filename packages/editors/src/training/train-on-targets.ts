// Training weights on the targets of edits: Adam over the batch, the rest of the model frozen, and what is said of each edit.
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
import { buildDecoder, type Delta, type View, type ViewProgram } from '@errata/models';
import type { EditOutcome, Editor, EditorDelta } from '../editor.ts';
import {
  alreadyHolds,
  attempt,
  attemptEach,
  changeNorms,
  heldOutcome,
  nllOnly,
  requireFinite,
  zeroDelta,
} from '../outcomes.ts';
import { runPruned } from '../search/programs.ts';
import { packSequences, sequenceFeeds, trace } from '../search/tracer.ts';
import { type LaidOutEdit, layOutEdit, targetProbabilities } from '../texts/teacher-forcing.ts';
import { sequenceSource } from '../texts/tokenizer.ts';
import { type Objective, tuneTargets } from './targets.ts';

/** What every editor that trains lets people set. */
export interface TrainingSettings {
  readonly learning_rate: number;
  /** Passes over the batch at most. */
  readonly epochs: number;
  /** Edits a step. */
  readonly batch_size: number;
  /** This multiple of what is trained is added to its gradient, as Adam has it. */
  readonly weight_decay: number;
  /** Training ends once the mean loss of a pass falls below this; a step is skipped where its batch's loss is below. */
  readonly stop_loss: number;
}

type WeightOf = (name: string) => Tensor;

/** Numbers that are trained: an input of the graph. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Changed in place. */
  readonly values: Float32Array;
}

/** A change of one matrix. */
export interface TrainedDelta {
  readonly layer: number;
  readonly delta: Extract<Delta, { tensor: string }>;
  /** The arrays that it is made of. */
  readonly parts: readonly Float32Array[];
}

/** What an editor trains of a version. */
export interface Training {
  /** Determines the graph, for one model. */
  readonly key: string;
  /** The first layer that is changed: what comes before it is run once. */
  readonly from: number;
  readonly objective: Objective;
  readonly parameters: readonly Parameter[];
  /** The weights that the model is run with, and the {@link Training.parameters} among what they are made of, in order. */
  apply(weight: WeightOf): { readonly weight: WeightOf; readonly trained: readonly Tensor[] };
  /** Brings the parameters back to where they may be, after a step. */
  constrain?(): void;
  /** What the parameters as they are now change: a matrix each. */
  deltas(): readonly TrainedDelta[];
}

/** A mini-batch with everything that training does not change. */
interface FrozenBatch {
  readonly members: readonly number[];
  readonly feeds: Awaited<ReturnType<typeof freeze>>;
  /** Target rows of each member in the loss's `log_probs`. */
  readonly spans: readonly (readonly [number, number])[];
}

/** The graph from the first changed layer on, over all positions: a change of a weight reaches every one. */
function trainingProgram(view: View, { key, from, apply }: Training): Promise<ViewProgram> {
  const { spec } = view;
  return view.program(key, (own) => {
    const { weight, trained } = apply(own);
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
    });
    const { loss, logProbs } = crossEntropy(input('targets', 'int32', ['R']), input('row_weights', 'float32', ['R']));
    const found = gradients(loss, trained).map((gradient, i) => [gradientName(i), gradient] as const);
    return { loss, log_probs: logProbs, ...Object.fromEntries(found) };
  });
}

const gradientName = (index: number): string => `gradient_${index}`;

const feedsOf = ({ parameters }: Training): Readonly<Record<string, HostTensor>> =>
  Object.fromEntries(parameters.map(({ name, shape, values }) => [name, float32(shape, values)]));

async function freeze(
  view: View,
  from: number,
  batch: readonly LaidOutEdit[],
  targets: ReturnType<typeof tuneTargets>,
) {
  // Nothing is recorded.
  const sequences = batch.map(({ sequence }) => ({ ...sequence, subjectLast: 0 }));
  const { hidden } = await trace(view, { recorded: [], suffix: { from, caches: false } }, sequences);
  const { ids: _, ...layout } = sequenceFeeds(packSequences(sequences, view.spec.over));
  const count = targets.rows.length;
  return {
    ...layout,
    hidden: float32([hidden.length / view.spec.width, view.spec.width], hidden),
    rows: int32([count], Int32Array.from(targets.rows)),
    targets: int32([count], Int32Array.from(targets.targets)),
    row_weights: float32([count], Float32Array.from(targets.weights)),
  };
}

async function freezeBatches(
  view: View,
  { from, objective }: Training,
  batchSize: number,
  edits: readonly LaidOutEdit[],
) {
  const batches: FrozenBatch[] = [];
  for (let start = 0; start < edits.length; start += batchSize) {
    const batch = edits.slice(start, start + batchSize);
    const time = Math.max(...batch.map(({ sequence }) => sequence.ids.length));
    const targets = tuneTargets(
      batch.map(({ sequence }) => sequence),
      time,
      objective,
    );
    const members = batch.map((_, i) => start + i);
    batches.push({ members, feeds: await freeze(view, from, batch, targets), spans: targets.spans });
  }
  return batches;
}

/** The loss of one edit, of the log-probabilities that were read of its target. */
const lossOf = (logProbs: Float32Array): number => -logProbs.reduce((a, b) => a + b, 0) / logProbs.length;

/** The loss of each edit before anything is trained, read of each alone: none depends on which others are in the batch. */
async function startingLosses(
  view: View,
  training: Training,
  edits: readonly LaidOutEdit[],
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  const program = await trainingProgram(view, training);
  const losses: number[] = [];
  for (const { feeds } of await freezeBatches(view, training, 1, edits)) {
    signal?.throwIfAborted();
    const out = await runPruned(program, { ...feeds, ...feedsOf(training) });
    losses.push(lossOf(float32Data(out.log_probs!)));
  }
  return losses;
}

/** One edit's course. */
interface Course {
  last: number;
  steps: number;
}

/** Adam over mini-batches in the order of the edits (ROME repository, FT baseline). */
async function train(
  view: View,
  training: Training,
  settings: TrainingSettings,
  edits: readonly LaidOutEdit[],
  onEpoch: (epoch: number, loss: number) => void,
  signal: AbortSignal | undefined,
): Promise<readonly Course[]> {
  const { parameters } = training;
  const weights = new Map(parameters.map(({ name, values }) => [name, values]));
  const program = await trainingProgram(view, training);
  const optimizer = adamW();
  const courses = edits.map((): Course => ({ last: 0, steps: 0 }));
  const batches = await freezeBatches(view, training, settings.batch_size, edits);
  for (let epoch = 1; epoch <= settings.epochs; epoch++) {
    let sum = 0;
    for (const { members, feeds, spans } of batches) {
      signal?.throwIfAborted();
      const out = await runPruned(program, { ...feeds, ...feedsOf(training) });
      const loss = float32Data(out.loss!)[0]!;
      if (!Number.isFinite(loss)) throw new ErrataError('non_finite_delta', `training diverged in pass ${epoch}`);
      sum += loss * members.length;
      const logProbs = float32Data(out.log_probs!);
      for (const [i, member] of members.entries()) {
        const course = courses[member]!;
        course.last = lossOf(logProbs.subarray(...spans[i]!));
        if (loss >= settings.stop_loss) course.steps++;
      }
      if (loss < settings.stop_loss) continue;
      const found = parameters.map(({ name, values }, index) => {
        const gradient = float32Data(out[gradientName(index)]!);
        if (settings.weight_decay > 0)
          for (let i = 0; i < gradient.length; i++) gradient[i]! += settings.weight_decay * values[i]!;
        return [name, gradient] as const;
      });
      await optimizer.step(weights, new Map(found), settings.learning_rate);
      training.constrain?.();
    }
    onEpoch(epoch, sum / edits.length);
    if (sum / edits.length < settings.stop_loss) break;
  }
  return courses;
}

/**
 * An editor that trains. All edits of a batch share the deltas: one of each matrix that came to be another.
 * @param setUp what is trained, as it is before the first step
 */
export const trainingEditor =
  <Settings extends TrainingSettings>(
    setUp: (view: View, settings: Settings, seed: number) => Training,
  ): Editor<Settings> =>
  async (editorInput, options) => {
    const { view, edits, config, seed } = editorInput;
    const { onProgress, signal } = options;
    const source = sequenceSource(editorInput);
    const outcomes = new Map<string, EditOutcome>();
    const note = (more: Iterable<EditOutcome>) => {
      for (const outcome of more) outcomes.set(outcome.custom_id, outcome);
    };
    const { made: laidOut, failed: lost } = await attemptEach(edits, options, (edit) => layOutEdit(source, edit));
    note(lost);
    const training = setUp(view, config, seed);
    const before = await targetProbabilities(view, laidOut);
    const losses = await startingLosses(view, training, laidOut, signal);
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
      const tell = (step: number, loss: number) =>
        onProgress?.({ phase: 'train', done: 0, edits: edits.length, step, steps: config.epochs, loss });
      const courses = await train(view, training, config, learnt, tell, signal);
      const made = training.deltas();
      for (const { parts, layer } of made) requireFinite(parts, layer, custom_ids);
      const edited = view.with(made.map(({ delta }) => delta));
      const norms = made.map(({ layer, delta }) => changeNorms(view, edited, layer, delta.tensor));
      // A batch may leave matrices as they were: of a prompt of one token queries and keys do not matter.
      const changing = norms.filter(({ norm }) => norm > 0);
      if (changing.length === 0) throw zeroDelta(norms[0]!.layer, custom_ids);
      const after = await targetProbabilities(edited, learnt);
      deltas.push(...made.filter((_, i) => norms[i]!.norm > 0).map(({ delta }) => ({ delta, custom_ids })));
      note(
        learnt.map(({ edit, loss, probability }, i) => ({
          custom_id: edit.custom_id,
          outcome: 'applied',
          diagnostics: {
            steps: courses[i]!.steps,
            first_loss: loss,
            last_loss: nllOnly(courses[i]!.last),
            target_probability: { before: probability, after: after[i]! },
            deltas: changing,
          },
        })),
      );
    });
    note(failed.values());
    onProgress?.({ phase: 'train', done: edits.length, edits: edits.length });
    return { deltas, outcomes: edits.map(({ custom_id }) => outcomes.get(custom_id)!) };
  };
