// Training a transform with the model frozen: what all of them share.
import { adamW, clipGlobalNorm } from '@errata/graph';
import type { Model } from '@errata/models';
import type { BuildOptions, Checkpoint } from '../artefacts/builder.ts';
import { type DrawnRecord, drawBatch, type TrainingRecord } from '../training/records.ts';
import { type Optimizers, scheduled, type Trained, type Training, train } from '../training/train.ts';
import { multiplierName } from './conditioned.ts';
import { initialTransform, ratesName, ridgesName, type TransformSpec } from './transform.ts';
import { validateTransform } from './validate.ts';

/** The settings that every training of a transform has. */
export interface TransformSettings {
  readonly network_rank: number;
  readonly steps: number;
  readonly edits_per_update: number;
  readonly learning_rate: number;
  readonly rates_learning_rate: number;
  readonly initial_rate?: number;
  readonly decay: number;
  readonly clip: number;
  readonly validation: number;
  readonly validate_every: number;
  readonly patience: number;
  readonly seed: number;
}

/** What is trained, on what. */
export interface TransformInput<Settings extends TransformSettings = TransformSettings> {
  readonly model: Model;
  readonly spec: TransformSpec;
  readonly settings: Settings;
  readonly records: readonly TrainingRecord[];
  /** Not trained on. */
  readonly validation: readonly TrainingRecord[];
}

/** Runs steps: makes edits, judges them, and says how all parameters are to change. Counts factors in the weights. @see Training.take */
export type TransformStepper = (
  weights: Parameters<Training['take']>[0],
  batch: readonly DrawnRecord[],
  validations: Parameters<Training['take']>[2],
) => ReturnType<Training['take']>;

/** Parameters that are a number a map, or one for all: they have a rate of their own. */
const singles = [ratesName, ridgesName, multiplierName];

/** Adam, single numbers with a rate of their own; all gradients clipped together. */
export function transformOptimizers(
  settings: Pick<TransformSettings, 'clip' | 'learning_rate' | 'rates_learning_rate' | 'decay' | 'steps'>,
): Optimizers {
  const { clip, learning_rate, rates_learning_rate } = settings;
  const [networks, rates] = [adamW(), adamW()];
  return {
    async step(weights, gradients, step) {
      const schedule = scheduled({ ...settings, warmup_steps: 0 }, step);
      clipGlobalNorm(gradients, clip);
      const of = (areRates: boolean) => new Map([...gradients].filter(([name]) => singles.includes(name) === areRates));
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

/**
 * Trains, or goes on from the stored state; checkpoints are validated as they are served.
 * @param perStep edits of a step
 * @throws as {@link train}
 */
export function trainTransform(
  { model, spec, settings, records, validation }: TransformInput,
  take: TransformStepper,
  perStep: number,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Trained> {
  const drawn = { batch_size: perStep, run_length: 1, seed: settings.seed };
  return train(
    {
      ...settings,
      weights: initialTransform(spec, settings),
      optimizers: transformOptimizers(settings),
      take: (weights, step, validations) => take(weights, drawBatch(records, drawn, step), validations),
      validate: (weights) => validateTransform(model, { spec, weights }, validation, settings.edits_per_update),
    },
    options,
  );
}
