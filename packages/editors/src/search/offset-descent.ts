// The optimiser of a value offset: Adam on one vector with ROME's penalty, projection and stopping rules. Knows no model.
import type { LossTerms } from '../editor.ts';

/** The settings of a value search that concern its optimiser (card: ROME, step 2). */
export interface DescentSettings {
  /** Losses evaluated at most; one update fewer is taken. */
  readonly steps: number;
  readonly learning_rate: number;
  readonly weight_decay: number;
  readonly clamp_factor: number;
  readonly kl_factor: number;
  readonly stop_loss: number;
}

/** What a model says of an offset: loss terms (KL not yet weighted) and the gradient of nll + kl_factor * kl. */
export interface OffsetEvaluation {
  readonly nll: number;
  readonly kl: number;
  readonly gradient: Float32Array;
}

/** The course of one offset. */
export interface OffsetDescent {
  /** Length d; starts at zero; changed in place by {@link advance}. */
  readonly offset: Float32Array;
  /** Takes in what the model says of the current offset. Returns true once the search has ended. */
  advance(evaluation: OffsetEvaluation): boolean;
  readonly finished: boolean;
  /** Losses evaluated so far. */
  readonly steps: number;
  readonly first: LossTerms | undefined;
  /** Of the offset as it stands: no update follows the last evaluation. */
  readonly last: LossTerms | undefined;
}

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/**
 * Starts a descent. Per evaluation: the penalty weight_decay * ||offset|| / ||v||^2 is added (the numerator is not squared,
 * as in the reference code); below `stop_loss` or at the last step the search ends with the offset as it was evaluated;
 * otherwise one step of Adam (Kingma & Ba 2015) and projection onto ||offset|| <= clamp_factor * ||v||.
 * @param valueNorm ||v||, the norm of the value the offset is added to
 */
export function startDescent(length: number, valueNorm: number, settings: DescentSettings): OffsetDescent {
  const offset = new Float32Array(length);
  const mean = new Float64Array(length);
  const variance = new Float64Array(length);
  const radius = settings.clamp_factor * valueNorm;
  const penalty = settings.weight_decay / valueNorm ** 2;
  let steps = 0;
  let finished = false;
  let first: LossTerms | undefined;
  let last: LossTerms | undefined;

  const update = (gradient: Float32Array, size: number): void => {
    const correction1 = 1 - beta1 ** steps;
    const correction2 = 1 - beta2 ** steps;
    for (let i = 0; i < length; i++) {
      // The penalty's gradient at zero is taken as zero.
      const g = gradient[i]! + (size > 0 ? (penalty * offset[i]!) / size : 0);
      mean[i] = beta1 * mean[i]! + (1 - beta1) * g;
      variance[i] = beta2 * variance[i]! + (1 - beta2) * g * g;
      offset[i]! -=
        (settings.learning_rate * mean[i]!) / correction1 / (Math.sqrt(variance[i]! / correction2) + epsilon);
    }
    const grown = length2(offset);
    if (grown > radius) for (let i = 0; i < length; i++) offset[i]! *= radius / grown;
  };

  return {
    offset,
    advance({ nll, kl, gradient }) {
      if (finished) return true;
      const size = length2(offset);
      const terms = { nll, kl: settings.kl_factor * kl, weight_decay: penalty * size };
      last = { ...terms, total: terms.nll + terms.kl + terms.weight_decay };
      first ??= last;
      steps++;
      finished = !Number.isFinite(last.total) || last.total < settings.stop_loss || steps >= settings.steps;
      if (!finished) update(gradient, size);
      return finished;
    },
    get finished() {
      return finished;
    },
    get steps() {
      return steps;
    },
    get first() {
      return first;
    },
    get last() {
      return last;
    },
  };
}

function length2(vector: Float32Array): number {
  let sum = 0;
  for (const x of vector) sum += x * x;
  return Math.sqrt(sum);
}
