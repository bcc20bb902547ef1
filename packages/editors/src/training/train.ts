// Training what is stored as an artefact: steps, a curve, validations of which the best is kept, checkpoints to go on from.
import { ErrataError } from '@errata/contracts';
import type { NamedArrays, OptimizerState } from '@errata/graph';
import type { BuildOptions, Checkpoint } from '../artefacts/builder.ts';
import { type CoursePoint, decodeState, encodeState, type TrainingState } from './course.ts';

/** What a step says. */
export interface StepResult<Term extends string = string> {
  /** Without those that were left out. */
  readonly terms: Readonly<Partial<Record<Term, number>> & { loss: number }>;
  readonly gradients: NamedArrays;
}

/** What updates weights: several optimizers, each of its own. */
export interface Optimizers {
  /** Takes one step with all of them. @param step counted from 0 */
  step(weights: NamedArrays, gradients: NamedArrays, step: number): Promise<void>;
  state(): Readonly<Record<string, OptimizerState>>;
  restore(states: Readonly<Record<string, OptimizerState>>): void;
  release(): Promise<void>;
}

/** A validation: what is best has the highest `score`. */
export type Validation = Readonly<Record<string, number>> & { readonly score: number };

/** What is trained, and how. */
export interface Training {
  /** As they are before the first step. */
  readonly weights: NamedArrays;
  readonly optimizers: Optimizers;
  readonly steps: number;
  readonly validate_every: number;
  /** It ends before its last step where so many steps in a row brought no better validation. */
  readonly patience?: number;
  /**
   * Loss and gradients of a step, counted from 0. Batches depend on it alone, so that a training that was broken off ends in the same weights as an
   * unbroken one. What is counted, and not learned, is changed in `weights`.
   * @param validations those so far
   */
  take(
    weights: NamedArrays,
    step: number,
    validations: readonly Readonly<Record<string, number>>[],
  ): Promise<StepResult>;
  /** What weights come to on what is not trained on. */
  validate(weights: NamedArrays): Promise<Validation>;
}

/** A training that came to its end. */
export interface Trained {
  /** The weights of the checkpoint that was chosen. */
  readonly weights: NamedArrays;
  readonly chosen: number;
  readonly curve: TrainingState['curve'];
  readonly validations: TrainingState['validations'];
}

/** Steps of which the curve has one point. */
const curveSteps = 20;

/**
 * Trains, or goes on from the stored state. Every `validate_every` steps, and at the end, the weights are validated; the best are kept.
 * @throws ErrataError `edit_failed` where a loss is not finite; the signal's reason
 */
export async function train(
  {
    weights: initial,
    optimizers,
    steps,
    validate_every,
    patience = Number.POSITIVE_INFINITY,
    take,
    validate,
  }: Training,
  { onProgress, signal, checkpoint }: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Trained> {
  const stored = decodeState(await checkpoint.read());
  const weights = new Map(stored?.weights ?? initial);
  if (stored !== undefined) optimizers.restore(stored.optimizers);
  let best: NamedArrays = stored?.best ?? new Map();
  let { step, chosen } = stored ?? { step: 0, chosen: 0 };
  const curve = [...(stored?.curve ?? [])];
  const validations = [...(stored?.validations ?? [])];
  const score = () => validations.find((one) => one.step === chosen)?.score ?? Number.NEGATIVE_INFINITY;

  while (step < steps && step - chosen < patience) {
    signal?.throwIfAborted();
    const { terms, gradients } = await take(weights, step, validations);
    if (!Number.isFinite(terms.loss))
      throw new ErrataError('edit_failed', `training diverged at step ${step + 1}: take a smaller learning rate`);
    await optimizers.step(weights, gradients, step);
    step++;
    if (step % curveSteps === 1 || step === steps) curve.push({ step, ...terms } as CoursePoint);
    onProgress?.({ stage: 'training', done: step, total: steps });
    if (step % validate_every !== 0 && step !== steps) continue;
    const found = await validate(weights);
    const better = found.score > score();
    validations.push({ step, ...found });
    if (better) {
      best = new Map([...weights].map(([name, values]) => [name, values.slice()]));
      chosen = step;
    }
    await checkpoint.write(
      encodeState({ step, chosen, curve, validations, weights, best, optimizers: optimizers.state() }),
    );
  }
  await optimizers.release();
  return { weights: best, chosen, curve, validations };
}

/** A linear rise, a plateau, a linear fall to zero over a share of the steps. */
export interface Schedule {
  readonly warmup_steps: number;
  readonly decay: number;
  readonly steps: number;
}

/** What a learning rate is multiplied by at a step, counted from 0. */
export function scheduled({ warmup_steps, decay, steps }: Schedule, step: number): number {
  const rise = warmup_steps === 0 ? 1 : Math.min(1, (step + 1) / warmup_steps);
  const fall = decay === 0 ? 1 : Math.min(1, (steps - step) / (steps * decay));
  return rise * fall;
}
