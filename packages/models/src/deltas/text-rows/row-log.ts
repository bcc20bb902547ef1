// Rows in the order in which they came, with what finds them by their words and by their subjects. It only grows: many versions share one.

import { gramsOf } from './grams.ts';
import type { TextRow } from './rows.ts';

/** Ids of rows, ascending, by what they have. */
type Postings = Map<string, number[]>;

/** Rows of one sort: those with a subject, or those without. */
export interface RowGroup {
  readonly ids: readonly number[];
  /** By the n-grams of their prompts. */
  readonly byGram: ReadonlyMap<string, readonly number[]>;
  /** None of them has a lower one. */
  readonly leastThreshold: number;
}

export interface RowLog {
  /** By id. */
  readonly rows: readonly TextRow[];
  readonly withSubject: RowGroup;
  readonly withoutSubject: RowGroup;
  /** Ids of rows of a prompt. */
  readonly ofPrompt: (prompt: string) => readonly number[];
  /** Ids of rows whose subject occurs somewhere in a text in lower case, within words too. */
  readonly naming: (lower: string) => Iterable<number>;
  readonly add: (row: TextRow) => void;
}

const none: readonly number[] = [];

function put(postings: Postings, key: string, id: number): void {
  const known = postings.get(key);
  if (known === undefined) postings.set(key, [id]);
  else known.push(id);
}

/** How many first characters of subjects are looked up before whole subjects are. */
const stem = 2;

export function makeRowLog(): RowLog {
  const rows: TextRow[] = [];
  const group = () => ({
    ids: [] as number[],
    byGram: new Map() as Postings,
    leastThreshold: Number.POSITIVE_INFINITY,
  });
  const [withSubject, withoutSubject] = [group(), group()];
  const prompts: Postings = new Map();
  const subjects: Postings = new Map();
  const lengthsByStem = new Map<string, Set<number>>();
  return {
    rows,
    withSubject,
    withoutSubject,
    ofPrompt: (prompt) => prompts.get(prompt) ?? none,

    naming: (lower) => {
      const found = new Set<number>();
      for (let at = 0; at < lower.length; at++)
        for (const size of [stem, 1])
          for (const length of lengthsByStem.get(lower.slice(at, at + size)) ?? [])
            for (const id of subjects.get(lower.slice(at, at + length)) ?? none) found.add(id);
      return found;
    },

    add: (row) => {
      const id = rows.push(row) - 1;
      const own = row.subject === '' ? withoutSubject : withSubject;
      own.ids.push(id);
      own.leastThreshold = Math.min(own.leastThreshold, row.threshold);
      for (const gram of gramsOf(row.prompt).keys()) put(own.byGram, gram, id);
      put(prompts, row.prompt, id);
      const subject = row.subject.toLowerCase().trim();
      if (subject === '') return;
      put(subjects, subject, id);
      const start = subject.slice(0, stem);
      const lengths = lengthsByStem.get(start) ?? new Set();
      lengthsByStem.set(start, lengths.add(subject.length));
    },
  };
}

/** How many of some ascending ids are below another. */
export function countBelow(ids: readonly number[], end: number): number {
  if (ids.length === 0 || ids[ids.length - 1]! < end) return ids.length;
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! < end) low = middle + 1;
    else high = middle;
  }
  return low;
}
