// Trains a gradient transform with the model frozen: updates made from gradients, and what these updates do, step by step.
import { adamW, clipGlobalNorm, float32, float32Data, int32, type NamedArrays } from '@errata/graph';
import type { Model } from '@errata/models';
import { readFactors } from '../../hypernetworks/factors.ts';
import { countFactors, initialTransform, ratesName, type TransformSpec } from '../../hypernetworks/transform.ts';
import { factorFeeds, transformFeeds, transformKey } from '../../hypernetworks/update.ts';
import { runPruned } from '../../search/programs.ts';
import { packSequences, sequenceFeeds } from '../../search/tracer.ts';
import type { TargetSequence } from '../../texts/sequences.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { beforeProgram } from '../../training/before.ts';
import { type DrawnRecord, drawBatch, itemSequence, type TrainingRecord } from '../../training/records.ts';
import { tuneTargets } from '../../training/targets.ts';
import { type Optimizers, type StepResult, scheduled, type Trained, train } from '../../training/train.ts';
import type { BuildOptions, Checkpoint } from '../builder.ts';
import { gradientName, outerGraph, outerTerms } from './losses.ts';
import type { TransformTraining } from './request.ts';
import { validateTransform } from './validate.ts';

/** What is trained, on what. */
export interface TransformInput {
  readonly model: Model;
  readonly spec: TransformSpec;
  readonly settings: TransformTraining;
  readonly records: readonly TrainingRecord[];
  /** Not trained on. */
  readonly validation: readonly TrainingRecord[];
}

const indices = (values: readonly number[]) => int32([values.length], Int32Array.from(values));
const weightsOf = (values: readonly number[]) => float32([values.length], Float32Array.from(values));

/** Rows, targets and weights of sequences that are the `from`th of a run and those behind it. */
function rowsFrom(sequences: readonly TargetSequence[], from: number, time: number) {
  const { rows, targets, weights } = tuneTargets(sequences, time, 'target_new');
  return { rows: rows.map((row) => row + from * time), targets, weights };
}

/**
 * Runs steps: the edits of a batch, `edits_per_update` of them an update, are made from their own gradients; each is judged by a rephrasing and
 * by what is to stay. Counts the factors in `weights`; nothing else is changed.
 */
export function transformStepper({ model, spec, settings }: Pick<TransformInput, 'model' | 'spec' | 'settings'>) {
  const view = model.view();
  const tokenizer = requireTokenizer({ model });
  const { edit_weight, locality_weight, edits_per_update } = settings;
  const program = () =>
    view.program(`outer loss ${edit_weight} ${locality_weight} ${transformKey(spec)}`, (weight) =>
      outerGraph(spec, model.spec, weight, settings),
    );
  return async (weights: NamedArrays, batch: readonly DrawnRecord[]): Promise<StepResult> => {
    const sequencesOf = (sort: 'reliability' | 'generality' | 'locality') =>
      batch.map((record) => itemSequence(tokenizer, record[sort]));
    const factors = await readFactors(view, spec.maps, sequencesOf('reliability'));
    countFactors(weights, spec, factors);
    const [asked, away] = [sequencesOf('generality'), sequencesOf('locality')];
    const packed = packSequences([...asked, ...away]);
    const edited = rowsFrom(asked, 0, packed.time);
    const kept = rowsFrom(away, asked.length, packed.time);
    const apart = packSequences(away);
    const unedited = await runPruned(await beforeProgram(view), {
      ...sequenceFeeds(apart),
      rows: indices(rowsFrom(away, 0, apart.time).rows),
    });
    const updateOf = (edit: number) => Math.floor(edit / edits_per_update);
    const updateOfRow = Int32Array.from({ length: packed.batch * packed.time }, (_, row) =>
      updateOf(Math.floor(row / packed.time) % batch.length),
    );
    const updatesOfTokens = factors.map(
      ({ edits, count }, index) => [`update_of_token ${index}`, int32([count], edits.map(updateOf))] as const,
    );
    const out = await runPruned(await program(), {
      ...sequenceFeeds(packed),
      ...transformFeeds(spec, weights),
      ...factorFeeds(spec, factors),
      ...Object.fromEntries(updatesOfTokens),
      ...unedited,
      update_of_row: int32([updateOfRow.length], updateOfRow),
      all_rows: indices([...edited.rows, ...kept.rows]),
      targets: int32([edited.targets.length, 1], Int32Array.from(edited.targets)),
      row_weights: weightsOf(edited.weights),
      locality_weights: weightsOf(kept.weights),
    });
    const of = (name: string) => float32Data(out[name]!)[0]!;
    const gradients = new Map(
      [...spec.parameters.keys()].map((name) => [name, float32Data(out[gradientName(name)]!)] as const),
    );
    return {
      terms: { loss: of('loss'), ...Object.fromEntries(outerTerms.map((term) => [term, of(term)])) },
      gradients,
    };
  };
}

/** Adam, the learning rates of matrices with one of their own; all gradients clipped together. */
export function transformOptimizers(settings: TransformTraining): Optimizers {
  const { clip, learning_rate, rates_learning_rate } = settings;
  const [networks, rates] = [adamW(), adamW()];
  return {
    async step(weights, gradients, step) {
      const schedule = scheduled({ ...settings, warmup_steps: 0 }, step);
      clipGlobalNorm(gradients, clip);
      const of = (isRates: boolean) => new Map([...gradients].filter(([name]) => (name === ratesName) === isRates));
      await networks.step(weights, of(false), schedule * learning_rate);
      await rates.step(weights, of(true), schedule * rates_learning_rate);
    },
    state: () => ({ networks: networks.state(), rates: rates.state() }),
    restore: (states) => {
      if (states.networks) networks.restore(states.networks);
      if (states.rates) rates.restore(states.rates);
    },
    release: async () => {},
  };
}

/** Trains, or goes on from the stored state; checkpoints are validated as they are served. @throws as {@link train} */
export function trainTransform(
  { model, spec, settings, records, validation }: TransformInput,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Trained> {
  const take = transformStepper({ model, spec, settings });
  const drawn = { ...settings, batch_size: settings.batch_size * settings.edits_per_update, run_length: 1 };
  return train(
    {
      ...settings,
      weights: initialTransform(spec, settings),
      optimizers: transformOptimizers(settings),
      take: (weights, step) => take(weights, drawBatch(records, drawn, step)),
      validate: (weights) => validateTransform(model, { spec, weights }, validation, settings.edits_per_update),
    },
    options,
  );
}
