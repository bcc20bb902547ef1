// Which rows a version has of a log of rows, and how many of them have an n-gram: the same whatever else the log holds.

import { gramsOf } from './grams.ts';
import { countBelow, makeRowLog, type RowLog } from './row-log.ts';
import type { TextRow } from './rows.ts';

/**
 * The rows of a log before an id, some of them hidden: replaced since, or rows of other versions that grew from the same one. What
 * follows from it depends on the rows that are there, and on nothing that the log holds beside them.
 */
export interface RowIndex {
  readonly log: RowLog;
  readonly length: number;
  readonly hidden: ReadonlySet<number>;
  /** How many hidden rows have each n-gram. */
  readonly hiddenFrequency: ReadonlyMap<string, number>;
}

/** An index is built anew when it hides more rows than this, or than a sixteenth of those it has. */
const mostHidden = 256;

export const rowCount = ({ length, hidden }: RowIndex): number => length - hidden.size;

export const isVisible = ({ length, hidden }: RowIndex, id: number): boolean => id < length && !hidden.has(id);

/** How many rows have an n-gram. */
export const frequencyOf = ({ log, length, hiddenFrequency }: RowIndex, gram: string): number =>
  [log.withSubject, log.withoutSubject].reduce(
    (sum, { byGram }) => sum + countBelow(byGram.get(gram) ?? [], length),
    -(hiddenFrequency.get(gram) ?? 0),
  );

export function indexRows(rows: Iterable<TextRow>): RowIndex {
  const log = makeRowLog();
  for (const row of rows) log.add(row);
  return { log, length: log.rows.length, hidden: new Set(), hiddenFrequency: new Map() };
}

/**
 * The index with further rows, each in the place of one of its prompt. It costs what is new, unless so much is hidden by now that
 * all is indexed anew.
 */
export function extendIndex(index: RowIndex, further: readonly TextRow[]): RowIndex {
  const { log } = index;
  const hidden = new Set(index.hidden);
  const hiddenFrequency = new Map(index.hiddenFrequency);
  const hide = (id: number) => {
    if (hidden.has(id)) return;
    hidden.add(id);
    for (const gram of gramsOf(log.rows[id]!.prompt).keys())
      hiddenFrequency.set(gram, (hiddenFrequency.get(gram) ?? 0) + 1);
  };
  for (let id = index.length; id < log.rows.length; id++) hide(id);
  for (const row of further) {
    for (const id of log.ofPrompt(row.prompt)) hide(id);
    log.add(row);
  }
  const extended: RowIndex = { log, length: log.rows.length, hidden, hiddenFrequency };
  if (hidden.size <= Math.max(mostHidden, rowCount(extended) / 16)) return extended;
  return indexRows(log.rows.filter((_, id) => isVisible(extended, id)));
}
