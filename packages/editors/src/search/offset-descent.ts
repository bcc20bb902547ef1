// The optimiser of a value offset: Adam on one vector, or several side by side, with ROME's penalty, projection and stopping rules. Knows no model.
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
  /** From when the target is the likeliest answer everywhere on, nll weighs this; PMET's rule. It has none where both are left out. */
  readonly won_nll_factor?: number;
  /** The search ends there once the weighted KL is at most this. */
  readonly won_kl?: number;
}

/** Some of the variables: an offset of its own, with its own penalty and bound. */
export interface OffsetPart {
  readonly length: number;
  /** ||v||, the norm of the value that the offset is added to. */
  readonly valueNorm: number;
}

/** What a model says of an offset: loss terms (neither weighted yet) and the gradient of nllWeight * nll + kl_factor * kl. */
export interface OffsetEvaluation {
  readonly nll: number;
  readonly kl: number;
  readonly gradient: Float32Array;
  /** Whether the target is the likeliest answer at each of its tokens in every context. */
  readonly won?: boolean;
}

/** The course of one offset. */
export interface OffsetDescent {
  /** The parts one behind the other; starts at zero; changed in place by {@link advance}. */
  readonly offset: Float32Array;
  /** Weight of nll in the loss of the next evaluation. */
  readonly nllWeight: number;
  /** Takes in what the model says of the current offset. Returns true once the search has ended. */
  advance(evaluation: OffsetEvaluation): boolean;
  readonly finished: boolean;
  /** Whether there was nothing to do: the first evaluation already met a rule to stop by. */
  readonly holds: boolean;
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
 * Starts a descent. Per evaluation: for each part the penalty weight_decay * ||offset|| / ||v||^2 is added (the numerator is not squared,
 * as in the reference code); below `stop_loss`, where PMET's rule says so, or at the last step the search ends with the offset as it was
 * evaluated; otherwise one step of Adam (Kingma & Ba 2015) and projection of each part onto ||offset|| <= clamp_factor * ||v||.
 */
export function startDescent(parts: readonly OffsetPart[], settings: DescentSettings): OffsetDescent {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const offset = new Float32Array(length);
  const mean = new Float64Array(length);
  const variance = new Float64Array(length);
  let from = 0;
  const bounded = parts.map(({ length, valueNorm }) => {
    const start = from;
    from += length;
    return {
      start,
      own: offset.subarray(start, from),
      radius: settings.clamp_factor * valueNorm,
      penalty: settings.weight_decay / valueNorm ** 2,
    };
  });
  const { won_nll_factor = 1, won_kl = Number.NEGATIVE_INFINITY } = settings;
  let steps = 0;
  let finished = false;
  let holds = false;
  let nllWeight = 1;
  let first: LossTerms | undefined;
  let last: LossTerms | undefined;

  const update = (gradient: Float32Array, sizes: readonly number[]): void => {
    const correction1 = 1 - beta1 ** steps;
    const correction2 = 1 - beta2 ** steps;
    for (const [part, { start, own, radius, penalty }] of bounded.entries()) {
      const size = sizes[part]!;
      for (let j = 0; j < own.length; j++) {
        const i = start + j;
        // The penalty's gradient at zero is taken as zero.
        const g = gradient[i]! + (size > 0 ? (penalty * own[j]!) / size : 0);
        mean[i] = beta1 * mean[i]! + (1 - beta1) * g;
        variance[i] = beta2 * variance[i]! + (1 - beta2) * g * g;
        own[j]! -=
          (settings.learning_rate * mean[i]!) / correction1 / (Math.sqrt(variance[i]! / correction2) + epsilon);
      }
      const grown = length2(own);
      if (grown > radius) for (let j = 0; j < own.length; j++) own[j]! *= radius / grown;
    }
  };

  return {
    offset,
    advance({ nll, kl, gradient, won = false }) {
      if (finished) return true;
      const sizes = bounded.map(({ own }) => length2(own));
      const weight_decay = bounded.reduce((sum, { penalty }, part) => sum + penalty * sizes[part]!, 0);
      const terms = { nll: nllWeight * nll, kl: settings.kl_factor * kl, weight_decay };
      last = { ...terms, total: terms.nll + terms.kl + terms.weight_decay };
      first ??= last;
      steps++;
      const reached = last.total < settings.stop_loss || (won && terms.kl <= won_kl);
      holds ||= reached && steps === 1;
      finished = !Number.isFinite(last.total) || reached || steps >= settings.steps;
      if (!finished) update(gradient, sizes);
      nllWeight = won ? won_nll_factor : 1;
      return finished;
    },
    get nllWeight() {
      return nllWeight;
    },
    get holds() {
      return holds;
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
