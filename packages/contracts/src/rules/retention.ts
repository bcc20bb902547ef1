// How much of what was corrected holds still: the edits of a version in the order in which they were made, slice by slice.
import type { Retention } from '../wire/retention.ts';

/** Slices at most: so many points a curve has. */
const mostSlices = 25;
/** Up to so many edits each has a slice of its own; of more, a slice has so many at least that its share says something. */
const fewEdits = 12;
const leastLength = 5;

/** What was found of one edit: what its answer is right by, generated freely and by token; null where it was not asked so. */
export interface HeldEdit {
  readonly exact: number | null;
  readonly token: number | null;
}

/** An edit holds where its answer, generated freely, is all that was asked for; by token, where it was not generated. */
const holds = ({ exact, token }: HeldEdit): boolean => (exact ?? token) === 1;

/**
 * Slices of equal length, the earliest edit first; the last may be shorter.
 * @param edits in the order in which they were made; null for one that could not be asked
 */
export function retentionOf(
  edits: readonly (HeldEdit | null)[],
): Pick<Retention, 'edits' | 'held' | 'failed' | 'slices'> {
  const length = edits.length <= fewEdits ? 1 : Math.max(leastLength, Math.ceil(edits.length / mostSlices));
  const slices = Array.from({ length: Math.ceil(edits.length / length) }, (_, index) => {
    const asked = edits.slice(index * length, (index + 1) * length);
    const measured = asked.filter((edit) => edit !== null);
    return {
      from: index * length + 1,
      to: index * length + asked.length,
      edits: measured.length,
      held: measured.filter(holds).length,
    };
  });
  const sum = (of: 'edits' | 'held') => slices.reduce((total, slice) => total + slice[of], 0);
  return { edits: sum('edits'), held: sum('held'), failed: edits.length - sum('edits'), slices };
}
