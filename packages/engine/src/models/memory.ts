// What a model takes of memory, and the refusal where that is more than a process may use. Loads no numerical runtime.
import { ErrataError } from '@errata/contracts';

/**
 * The runtime and what a batch in flight takes: a process with a tiny model was measured at 175 MiB, one that edits and
 * evaluates a model of 2.3 M parameters at 630 MiB at its peak.
 */
export const baselineMb = 512;

/** A model that is to be loaded. */
export interface Load {
  readonly parameters: number;
  /** MiB that it takes beside {@link baselineMb}. */
  readonly mb: number;
}

/**
 * Refuses a model before it is loaded where it would take more memory than there is.
 * @param budget what this process may use, in MiB, and what is to be done where that is too little
 * @throws ErrataError `insufficient_memory` with the numbers
 */
export function requireMemory(
  { parameters, mb }: Load,
  budget: { readonly mb: number; readonly advice: string },
): void {
  const neededMb = baselineMb + mb;
  if (neededMb <= budget.mb) return;
  throw new ErrataError(
    'insufficient_memory',
    `the model needs about ${neededMb} MiB and this process may use ${budget.mb} MiB: ${budget.advice}`,
    { details: { parameters, needed_mb: neededMb, budget_mb: budget.mb } },
  );
}
