// What is said of single edits under the table of a batch: why one failed, and why one that was made could not be measured.
import type { EditResult } from '@errata/contracts';

/** A line for each edit about which there is something to say. */
export const remarksOn = (results: readonly EditResult[]): readonly string[] =>
  results.flatMap(({ custom_id, outcome, error, unmeasured }) => {
    if (error !== null) return [`${custom_id}: ${error.message}`];
    return unmeasured === undefined ? [] : [`${custom_id}: ${outcome}, but not measured: ${unmeasured.message}`];
  });
