// Group testing of a batch: finds the edits that make a candidate fail, by trying parts of the batch.
import type { EditRefusal } from '@errata/contracts';

/** A part of a batch that was tried. */
export interface Trial<T> {
  readonly passed: boolean;
  readonly found: T;
}

/**
 * Why an edit was left out: it fails `alone`; it fails `together` with those accepted before it, and passes alone or was not tried
 * alone any more; or the trials ran out before it was its turn.
 */
export type Refusal = EditRefusal['how'];

export interface Sifted<T> {
  /** Positions in input order: exactly what the last trial that passed was made of. */
  readonly accepted: readonly number[];
  /** That trial; null when nothing is accepted. */
  readonly trial: Trial<T> | null;
  /** In input order. `trial` is the one that failed with the edit in it and would have passed without. */
  readonly refused: readonly { readonly position: number; readonly how: Refusal; readonly trial: Trial<T> }[];
  /** Trials made, the first one included. */
  readonly trials: number;
}

class Spent extends Error {}

/**
 * Parts a batch whose candidate failed into edits that pass together and edits that do not.
 *
 * Edits come in an order, and the earlier has precedence: what is accepted is a set A that passed as a whole, and the next edit to be
 * refused is the first one with which A and everything before it fails. A binary search finds it, since A passes and A with all that
 * is left fails; then one trial tells whether it fails alone, and another whether A with the rest passes. So nothing is ever accepted
 * that was not tried in that very company, whatever interacts with what: where two edits pass alone and fail together, the later one
 * is refused and says so. For k refused of n this takes k (log2 n + 2) + 1 trials at most. Where failing is not monotone, as with means
 * that a further good edit repairs, the search ends at one of the places where A turns from passing to failing: still sound, though
 * another order might have kept more.
 *
 * @param positions of the edits in question, at least one
 * @param whole the trial of all of them, which failed
 * @param attempt tries a part of the batch
 * @param budget trials at most, `whole` included
 */
export async function siftBatch<T>(
  positions: readonly number[],
  whole: Trial<T>,
  attempt: (positions: readonly number[]) => Promise<Trial<T>>,
  budget: number,
): Promise<Sifted<T>> {
  const known = new Map([[positions.join(), whole]]);
  const attempted = async (part: readonly number[]): Promise<Trial<T>> => {
    const key = part.join();
    const before = known.get(key);
    if (before !== undefined) return before;
    if (known.size >= budget) throw new Spent();
    const trial = await attempt(part);
    known.set(key, trial);
    return trial;
  };

  let accepted: readonly number[] = [];
  let trial: Trial<T> | null = null;
  let rest = positions;
  let failing = whole;
  const refused: Sifted<T>['refused'][number][] = [];
  try {
    while (rest.length > 0) {
      // A with the first `passing` of the rest passes, with the first `beyond` it fails.
      let [passing, beyond] = [0, rest.length];
      const base = accepted;
      while (beyond - passing > 1) {
        const middle = (passing + beyond) >> 1;
        const part = [...base, ...rest.slice(0, middle)];
        const tried = await attempted(part);
        if (tried.passed) [passing, accepted, trial] = [middle, part, tried];
        else [beyond, failing] = [middle, tried];
      }
      const position = rest[beyond - 1]!;
      rest = rest.slice(beyond);
      const alone = accepted.length === 0 || !(await orUnknown(attempted([position])));
      refused.push({ position, how: alone ? 'alone' : 'together', trial: failing });
      if (rest.length === 0) break;
      const all = [...accepted, ...rest];
      const tried = await attempted(all);
      if (tried.passed) [accepted, trial, rest] = [all, tried, []];
      else failing = tried;
    }
  } catch (error) {
    if (!(error instanceof Spent)) throw error;
    const settled = new Set([...accepted, ...refused.map(({ position }) => position)]);
    const left = positions.filter((position) => !settled.has(position));
    refused.push(...left.map((position) => ({ position, how: 'unsettled' as const, trial: failing })));
  }
  return { accepted, trial, refused: refused.sort((a, b) => a.position - b.position), trials: known.size };
}

/** Whether a trial passed; where none is left to tell, an edit that failed in company is not said to fail alone. */
const orUnknown = (trial: Promise<Trial<unknown>>): Promise<boolean> =>
  trial.then(
    ({ passed }) => passed,
    (error) => {
      if (error instanceof Spent) return true;
      throw error;
    },
  );
