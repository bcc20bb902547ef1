// GRACE's codebook: when an edit gets a row of its own, when it splits a neighbour's ball, when it widens it.

/** One entry: queries within `radius` of `key`, and nearest to it, take `value`. */
export interface CodebookRow {
  readonly key: Float32Array;
  readonly value: Float32Array;
  readonly radius: number;
  /** The exact token ids of the target. The reference code compares means of ids, which collide. */
  readonly label: string;
}

/** Where an edit goes. `train` says which row's value is optimised, and whether from where it stands. */
export type Placement =
  /** Far from every row: a row of its own, of radius epsilon. */
  | { readonly action: 'added' }
  /** Near a row that answers otherwise: both balls end halfway. */
  | { readonly action: 'split'; readonly neighbour: number; readonly distance: number }
  /** Near a row with the same answer: its ball grows to cover the key. */
  | { readonly action: 'widened'; readonly neighbour: number; readonly distance: number }
  /** On the very key of a row that answers otherwise: the question was corrected again, so the row takes the new answer. */
  | { readonly action: 'replaced'; readonly neighbour: number; readonly distance: number };

/** How far inside the halfway point the neighbour's ball ends, so that no query lies on both edges (reference code). */
const splitGap = 1e-5;

/** Keys closer than this share of epsilon are one question: recomputing a key in another batch moves it by rounding. */
const sameKey = 1e-4;

/** Euclidean distance, summed in float64. */
export function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

/** The row nearest to a key; undefined for an empty book. The first of equals. */
export function nearestRow(
  rows: readonly CodebookRow[],
  key: Float32Array,
): { readonly index: number; readonly distance: number } | undefined {
  let best: { index: number; distance: number } | undefined;
  for (const [index, row] of rows.entries()) {
    const d = distance(row.key, key);
    if (!best || d < best.distance) best = { index, distance: d };
  }
  return best;
}

/** Decides where an edit goes (Hartvigsen et al. 2023, algorithm 1). */
export function place(rows: readonly CodebookRow[], key: Float32Array, label: string, epsilon: number): Placement {
  const nearest = nearestRow(rows, key);
  if (!nearest) return { action: 'added' };
  const row = rows[nearest.index]!;
  if (nearest.distance > epsilon + row.radius) return { action: 'added' };
  const at = { neighbour: nearest.index, distance: nearest.distance };
  if (row.label === label) return { action: 'widened', ...at };
  return nearest.distance <= sameKey * epsilon ? { action: 'replaced', ...at } : { action: 'split', ...at };
}

/**
 * The book after an edit, as new rows; `index` is the edit's row. A split never widens a ball: where a neighbour's radius
 * is already under half the distance it stays, whereas the reference code would set it to half.
 */
export function applyPlacement(
  rows: readonly CodebookRow[],
  placement: Placement,
  edit: { readonly key: Float32Array; readonly value: Float32Array; readonly label: string },
  epsilon: number,
): { readonly rows: readonly CodebookRow[]; readonly index: number } {
  const change = (index: number, fields: Partial<CodebookRow>) =>
    rows.map((row, i) => (i === index ? { ...row, ...fields } : row));
  switch (placement.action) {
    case 'added':
      return { rows: [...rows, { ...edit, radius: epsilon }], index: rows.length };
    case 'split': {
      const half = placement.distance / 2;
      const { radius } = rows[placement.neighbour]!;
      const shrunk = change(placement.neighbour, { radius: Math.min(radius, half - splitGap) });
      return { rows: [...shrunk, { ...edit, radius: Math.min(epsilon, half) }], index: rows.length };
    }
    case 'widened': {
      const { radius } = rows[placement.neighbour]!;
      const covered = { radius: Math.max(radius, placement.distance), value: edit.value };
      return { rows: change(placement.neighbour, covered), index: placement.neighbour };
    }
    case 'replaced':
      return {
        rows: change(placement.neighbour, { value: edit.value, label: edit.label }),
        index: placement.neighbour,
      };
  }
}
