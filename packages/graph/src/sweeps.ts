// Sweeps of rotations of neighbouring rows, gathered until there are many and then applied by products.

import { identity, type Matrix, matrix, multiplyInto, rowView } from './matrix.ts';

/** Sweeps that are applied together. */
const sweepsAtOnce = 64;
/** Rotations of each of them that go into one product: with the sweeps, the size of the matrices that all are multiplied by. */
const rotationsAtOnce = 64;

/** Rotations that turn the rows of a matrix, in sweeps from high rows to low ones. */
export interface Sweeps {
  /** Begins a sweep; those that came before are applied once there are enough. */
  readonly begin: () => Promise<void>;
  /** (row, row + 1) ← (c·row - s·next, s·row + c·next), below the row that this sweep turned last. */
  readonly turn: (row: number, c: number, s: number) => void;
  /** Applies what has waited. */
  readonly end: () => Promise<void>;
}

/**
 * Gathers rotations. Those of many sweeps that turn nearby rows are multiplied with one another, then with the rows (Van Zee, van de Geijn and
 * Quintana-Ortí 2014, Restructuring the tridiagonal and bidiagonal QR algorithms for performance): a third more operations, at the speed of products.
 */
export function sweepsOf(z: Matrix): Sweeps {
  const n = z.rows;
  const [cosines, sines] = [new Float64Array(sweepsAtOnce * n), new Float64Array(sweepsAtOnce * n)];
  /** Rows `low` to `high` of each sweep are turned with the one that follows. */
  const sweeps: { low: number; high: number }[] = [];
  const turned = matrix(Math.min(n, sweepsAtOnce + rotationsAtOnce), n);

  /** Those of the rotations that have `base` <= row - sweep < `base` + rotationsAtOnce. All that must come before them have a higher base, or are among them. */
  const applyTile = async (base: number) => {
    const spans = sweeps.map(({ low, high }, k) => ({
      low: Math.max(low, base + k),
      high: Math.min(high, base + k + rotationsAtOnce),
    }));
    const some = spans.filter(({ low, high }) => low < high);
    if (some.length === 0) return;
    const start = Math.min(...some.map(({ low }) => low));
    const end = Math.max(...some.map(({ high }) => high)) + 1;
    const together = identity(end - start);
    for (const [k, { low, high }] of spans.entries())
      for (let row = high - 1; row >= low; row--)
        rotateRows(together, row - start, cosines[k * n + row]!, sines[k * n + row]!);
    const rows = rowView(z, start, end);
    const { data } = await multiplyInto(rowView(turned, 0, end - start), together, rows);
    rows.data.set(data);
  };

  const end = async () => {
    const last = Math.max(...sweeps.map(({ high }) => high)) - 1;
    const first = Math.min(...sweeps.map(({ low }, k) => low - k));
    for (let base = last - rotationsAtOnce + 1; base + rotationsAtOnce > first; base -= rotationsAtOnce)
      await applyTile(base);
    sweeps.length = 0;
  };

  return {
    begin: async () => {
      if (sweeps.length === sweepsAtOnce) await end();
      sweeps.push({ low: n, high: 0 });
    },
    turn: (row, c, s) => {
      const sweep = sweeps.at(-1)!;
      const at = (sweeps.length - 1) * n + row;
      cosines[at] = c;
      sines[at] = s;
      sweep.low = row;
      sweep.high = Math.max(sweep.high, row + 1);
    },
    end,
  };
}

/** (row, next) ← (c·row - s·next, s·row + c·next) */
function rotateRows({ columns, data }: Matrix, row: number, c: number, s: number): void {
  const from = row * columns;
  for (let k = from; k < from + columns; k++) {
    const x = data[k]!;
    const y = data[k + columns]!;
    data[k] = c * x - s * y;
    data[k + columns] = s * x + c * y;
  }
}
