// Rows that belong in one figure: the same metric under the same version, measured at the same place in a protocol.
import type { EvaluationRow, Moment } from '@errata/contracts';

/** Rows to be averaged together. */
export interface RowGroup {
  readonly metric: string;
  readonly version: number;
  readonly moment: Moment;
  /** Edits in the model; right after each edit (`once`) there are as many numbers as edits, and this is the largest. */
  readonly edits: number;
  /** In the order of their case ids, so that sums come out the same whoever found them. */
  readonly rows: readonly EvaluationRow[];
}

/** Equal for rows of one figure. */
const groupKey = ({ metric, version, moment, edits }: Omit<RowGroup, 'rows'>): string =>
  JSON.stringify([metric, version, moment, moment === 'once' ? null : edits]);

/** Groups by what they can be looked up under, in the order in which they first come. */
export function groupRows(rows: Iterable<EvaluationRow>): ReadonlyMap<string, RowGroup> {
  const groups = new Map<string, EvaluationRow[]>();
  for (const row of rows) {
    const key = groupKey(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return new Map(
    [...groups].map(([key, group]) => {
      const { metric, version, moment } = group[0]!;
      const edits = group.reduce((most, row) => Math.max(most, row.edits), 0);
      return [key, { metric, version, moment, edits, rows: group.sort(byCase) }];
    }),
  );
}

const byCase = (a: EvaluationRow, b: EvaluationRow): number =>
  a.case_id < b.case_id ? -1 : a.case_id > b.case_id ? 1 : a.edits - b.edits;
