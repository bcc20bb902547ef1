// GRACE's codebook: when an edit gets a row of its own, when it splits a neighbour's ball, when it widens it.
import { type CodebookDelta, type CodebookRowsDelta, type Replacement, rowAddresses } from '@errata/models';

/** What an edit puts into the book: queries near `key` take `value`. */
export interface CodebookEdit {
  readonly key: Float32Array;
  readonly value: Float32Array;
  /** The exact token ids of the target. The reference code compares means of ids, which collide. */
  readonly label: string;
  readonly replacement: Replacement;
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

/** A ball that grows to a key ends this share behind it, for the same reason. */
const edge = 1e-5;

/** Euclidean distance of a query to a row, summed in float64. */
function distanceTo(keys: Float32Array, row: number, query: Float32Array): number {
  const from = row * query.length;
  let sum = 0;
  for (let i = 0; i < query.length; i++) {
    const difference = keys[from + i]! - query[i]!;
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}

/** The row nearest to a key; undefined for an empty book. The first of equals. */
export function nearestRow(
  { keys, radii }: Pick<CodebookDelta, 'keys' | 'radii'>,
  key: Float32Array,
): { readonly index: number; readonly distance: number } | undefined {
  let best: { index: number; distance: number } | undefined;
  for (let index = 0; index < radii.length; index++) {
    const distance = distanceTo(keys, index, key);
    if (!best || distance < best.distance) best = { index, distance };
  }
  return best;
}

/** Decides where an edit goes (Hartvigsen et al. 2023, algorithm 1). */
export function place(book: CodebookDelta, key: Float32Array, label: string, epsilon: number): Placement {
  const nearest = nearestRow(book, key);
  if (!nearest || nearest.distance > epsilon + book.radii[nearest.index]!) return { action: 'added' };
  const at = { neighbour: nearest.index, distance: nearest.distance };
  if (book.labels[nearest.index] === label) return { action: 'widened', ...at };
  return nearest.distance <= sameKey * epsilon ? { action: 'replaced', ...at } : { action: 'split', ...at };
}

/** A change of a book, with what became of the edit's row in it. */
export interface Placed {
  readonly delta: CodebookRowsDelta;
  readonly row: number;
  readonly radius: number;
}

/**
 * What an edit changes of the book. A split never widens a ball: where a neighbour's radius is already under half the distance it
 * stays, whereas the reference code would set it to half.
 */
export function placed(book: CodebookDelta, placement: Placement, edit: CodebookEdit, epsilon: number): Placed {
  const rows = book.radii.length;
  switch (placement.action) {
    case 'added':
      return changed(book, edit, { row: rows, radius: epsilon });
    case 'split': {
      const half = placement.distance / 2;
      const { neighbour } = placement;
      const radius = Math.min(book.radii[neighbour]!, half - splitGap);
      return changed(book, edit, { row: rows, radius: Math.min(epsilon, half), resized: { row: neighbour, radius } });
    }
    case 'widened': {
      const { neighbour, distance } = placement;
      // The key stays where it is: the ball around it grows.
      const key = keyOf(book, neighbour);
      return changed(
        book,
        { ...edit, key },
        { row: neighbour, radius: Math.max(book.radii[neighbour]!, distance * (1 + edge)) },
      );
    }
    case 'replaced': {
      const { neighbour } = placement;
      return changed(
        book,
        { ...edit, key: keyOf(book, neighbour) },
        { row: neighbour, radius: book.radii[neighbour]! },
      );
    }
  }
}

const keyOf = ({ keys, keySize }: CodebookDelta, row: number) => keys.slice(row * keySize, (row + 1) * keySize);

function changed(
  book: CodebookDelta,
  { key, value, label, replacement }: CodebookEdit,
  { row, radius, resized }: Pick<Placed, 'row' | 'radius'> & { readonly resized?: Pick<Placed, 'row' | 'radius'> },
): Placed {
  const { site, layer, keySize, valueSize } = book;
  const addressOf = (of: number) => rowAddresses(book)[of]!;
  const delta: CodebookRowsDelta = {
    kind: 'codebook_rows',
    site,
    layer,
    keySize,
    valueSize,
    keys: key,
    values: value,
    radii: Float32Array.of(radius),
    labels: [label],
    replacements: [replacement],
    replaces: [row < book.radii.length ? addressOf(row) : null],
    resized: resized === undefined ? [] : [addressOf(resized.row)],
    resizedRadii: Float32Array.from(resized === undefined ? [] : [resized.radius]),
  };
  return { delta, row, radius };
}
