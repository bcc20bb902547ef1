// The rank-one update of ROME and r-ROME in closed form, in float64.
import { ErrataError } from '@errata/contracts';
import { dot, multiplyVector, norm, scaled } from './vectors.ts';

/** W (keys to values) gains keySide valueSide^T. */
export interface RankOneUpdate {
  /** u = C^-1 k / ||C^-1 k||, length d_ff. */
  readonly keySide: Float64Array;
  /** change / (k . u), length d. */
  readonly valueSide: Float64Array;
  /** k . u. */
  readonly denominator: number;
}

/** The parts of a rank-one update. */
export interface RankOneInput {
  /** The key that chooses the direction u = C^-1 k. */
  readonly solveKey: Float64Array;
  /** The key whose value is to change by exactly `change`. */
  readonly scaleKey: Float64Array;
  /** v* - W k, for k = scaleKey. */
  readonly change: Float64Array;
  /** C^-1, row-major and symmetric, or null for C = I. */
  readonly inverse: Float64Array | null;
}

/**
 * The update of smallest ||Delta C^(1/2)|| that moves W scaleKey by `change` (ROME, equation 2).
 * ROME solves with the averaged key and scales by the bare one, so its denominator can pass through zero; r-ROME gives
 * the averaged key for both, and k^T C^-1 k > 0 always (Gupta et al. 2024, section 3).
 * @throws ErrataError `non_finite_delta` where the denominator vanishes
 */
export function rankOneUpdate({ solveKey, scaleKey, change, inverse }: RankOneInput): RankOneUpdate {
  const direction = inverse ? multiplyVector(inverse, solveKey) : solveKey;
  const keySide = scaled(direction, 1 / norm(direction));
  const denominator = dot(scaleKey, keySide);
  const valueSide = scaled(change, 1 / denominator);
  if (!Number.isFinite(norm(keySide)) || !Number.isFinite(norm(valueSide))) {
    throw new ErrataError('non_finite_delta', `the rank-one update is divided by ${denominator}`, {
      details: { denominator },
    });
  }
  return { keySide, valueSide, denominator };
}
