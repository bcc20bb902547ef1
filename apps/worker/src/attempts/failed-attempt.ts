// What becomes of a job whose attempt failed: whose fault it was decides whether it is tried again.
import { ErrataError, type ErrorCode, toPlainError } from '@errata/contracts';

export type FailedAttempt =
  /** Not ours any more: whoever has taken the lane over decides. */
  | { readonly kind: 'let_go' }
  /** Asked for by a person. */
  | { readonly kind: 'cancelled' }
  /** This process is stopping; the attempt does not count against the job. */
  | { readonly kind: 'hand_back' }
  /** Can never work as it was asked for. */
  | { readonly kind: 'rejected'; readonly error: ErrataError }
  /** May work later, or elsewhere; how often that is tried is lineage's to count. */
  | { readonly kind: 'retry'; readonly error: ErrataError; readonly delayMs: number }
  | { readonly kind: 'failed'; readonly error: ErrataError };

/** Why work is broken off from outside; the reason of an abort signal. */
export class Interruption extends Error {
  readonly kind: 'let_go' | 'cancelled' | 'hand_back';

  constructor(kind: Interruption['kind'], message: string) {
    super(message);
    this.name = 'Interruption';
    this.kind = kind;
  }
}

const superseded: readonly ErrorCode[] = ['lease_lost', 'stale_epoch'];

const longestDelayMs = 60_000;

/** Pause before the attempt that follows the `made`-th, in ms: `firstMs`, doubled with every further one. */
export const retryDelay = (firstMs: number, made: number): number =>
  Math.min(firstMs * 2 ** (made - 1), longestDelayMs);

/** Judges what an attempt threw. `made` counts the attempts so far, this one included. */
export function judgeFailure(thrown: unknown, made: number, firstRetryMs: number): FailedAttempt {
  if (thrown instanceof Interruption) return { kind: thrown.kind };
  const error = thrown instanceof ErrataError ? thrown : asErrataError(thrown);
  if (superseded.includes(error.code)) return { kind: 'let_go' };
  if (!error.retryable) return { kind: error.status < 500 ? 'rejected' : 'failed', error };
  return { kind: 'retry', error, delayMs: retryDelay(firstRetryMs, made) };
}

function asErrataError(thrown: unknown): ErrataError {
  const plain = toPlainError(thrown);
  return new ErrataError(plain.code, plain.message, { cause: thrown });
}
