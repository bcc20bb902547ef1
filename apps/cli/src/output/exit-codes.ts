// What the command's exit code says; documented in docs/cli.md.
import type { ErrorCode, JobState } from '@errata/contracts';

export const exitCodes = {
  success: 0,
  /** The request was understood and refused, or something failed. */
  failure: 1,
  /** The command line itself was wrong. */
  usage: 2,
  /** The job ended, but not (wholly) as asked: gated out, rejected, failed, cancelled, or with errors. */
  jobNotSucceeded: 3,
  /** No service could be reached. */
  unavailable: 4,
  /** The candidate passed its gate and waits for somebody to approve it. */
  awaitingApproval: 5,
  /** It was interrupted before it had begun. */
  interrupted: 130,
} as const;

export const exitCodeOf = (code: ErrorCode): number =>
  code === 'unavailable' ? exitCodes.unavailable : exitCodes.failure;
export const exitCodeOfJob = (state: JobState): number => {
  if (state === 'awaiting_approval') return exitCodes.awaitingApproval;
  return state === 'succeeded' ? exitCodes.success : exitCodes.jobNotSucceeded;
};
