// The training loop: seeded, resumable, on the project's own engine.
import { adamW, muon } from '@errata/graph';
import type { World } from '../world/world.ts';
import { decoderTrainee } from './decoder.ts';
import { encoderDecoderTrainee } from './encoder-decoder.ts';
import { type Recipe, schedule } from './recipe.ts';
import { loadState, saveState } from './saved-state.ts';
import type { AtlasTokenizer } from './tokenizer.ts';
import type { Trainee } from './trainee.ts';

export interface TrainingProgress {
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  /** -log p of the answers' tokens, smoothed over steps, in nats. */
  readonly answerLoss: number;
  /** Seconds this process spent in steps, and how many it did. */
  readonly seconds: number;
  readonly stepsHere: number;
}

export interface TrainingOptions {
  /** File that holds the state between runs. */
  readonly statePath: string;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Ends the run after the step it is in, its state stored. */
  readonly signal?: AbortSignal;
}

export interface Trained {
  /** Shapes of the weights. */
  readonly parameters: Trainee['parameters'];
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** False where the signal ended the run early. */
  readonly finished: boolean;
}

/**
 * Trains the model of a recipe from its seed, or goes on from the stored state. Batches, initial weights and schedule depend
 * on seed and step alone, so an interrupted run ends in the same weights as an unbroken one.
 */
export async function train(
  world: World,
  tokenizer: AtlasTokenizer,
  recipe: Recipe,
  options: TrainingOptions,
): Promise<Trained> {
  const trainee =
    recipe.shape === 'gpt2'
      ? await decoderTrainee(world, tokenizer, recipe)
      : await encoderDecoderTrainee(world, tokenizer, recipe);
  const { matrices, parameters } = trainee;
  const optimizers = { matrices: muon(matrices), others: adamW({ beta1: 0.9, beta2: 0.95 }) };

  const stored = loadState(options.statePath, recipe);
  const weights = stored ? new Map(stored.weights) : trainee.initialWeights();
  if (stored) {
    optimizers.matrices.restore(stored.optimizers.matrices!);
    optimizers.others.restore(stored.optimizers.others!);
  }
  let step = stored?.step ?? 0;
  let smoothed = stored?.smoothed ?? Number.NaN;
  const save = () =>
    saveState(options.statePath, recipe, {
      step,
      weights,
      smoothed,
      optimizers: { matrices: optimizers.matrices.state(), others: optimizers.others.state() },
    });

  const begun = performance.now();
  const first = step;
  try {
    while (step < recipe.steps && !options.signal?.aborted) {
      const { gradients, answerLoss } = await trainee.step(weights, step);
      const share = schedule(recipe, step);
      const ofMatrices = new Map<string, Float32Array>();
      const ofOthers = new Map<string, Float32Array>();
      for (const [name, gradient] of gradients) (matrices.has(name) ? ofMatrices : ofOthers).set(name, gradient);
      await optimizers.matrices.step(weights, ofMatrices, recipe.matrixLearningRate * share);
      await optimizers.others.step(weights, ofOthers, recipe.otherLearningRate * share);

      smoothed = Number.isNaN(smoothed) ? answerLoss : 0.98 * smoothed + 0.02 * answerLoss;
      step++;
      if (step % recipe.checkpointEvery === 0 && step < recipe.steps) save();
      options.onProgress?.({
        step,
        steps: recipe.steps,
        answerLoss: smoothed,
        seconds: (performance.now() - begun) / 1000,
        stepsHere: step - first,
      });
    }
    if (step > first) save();
  } finally {
    await trainee.release();
    await optimizers.matrices.release();
  }
  return { parameters, weights, finished: step >= recipe.steps };
}
