// Householder's reduction of a symmetric matrix to tridiagonal form, a panel of rows at a time: what goes through the whole of it but once is products.

import { addProduct, type Matrix, matrix, multiply, rowView, transposeMatrix } from './matrix.ts';

/** Rows that are cleared before what they do to the others is multiplied out. Within a panel that costs as much again for every row. */
const panelRows = 32;
/** Reflections that are brought together into one product. */
const reflectionsAtOnce = 64;
/** Rows that are changed by one product. */
const stripRows = 256;

/**
 * Makes of a row the v of a reflection I - v·vᵀ, of length √2, that leaves nothing of it but its last element, which is returned.
 * Where nothing else is there, v is zero.
 */
function reflector(row: Float64Array, v: Float64Array): number {
  const last = row.length - 1;
  if (row.subarray(0, last).every((x) => x === 0)) return row[last]!;
  let norm = 0;
  for (const x of row) norm = Math.hypot(norm, x);
  const left = row[last]! > 0 ? -norm : norm;
  const root = Math.sqrt(norm) * Math.sqrt(norm + Math.abs(row[last]!));
  for (let c = 0; c < last; c++) v[c] = row[c]! / root;
  v[last] = (row[last]! - left) / root;
  return left;
}

/** The leading `size` rows and columns of a symmetric matrix, of which the lower triangle is read, times a vector. */
function symmetricTimes({ columns: n, data }: Matrix, size: number, v: Float64Array): Float64Array {
  const out = new Float64Array(size);
  // Four rows at a time, so that what is read and written of the vectors is read and written a quarter as often.
  const fours = size - (size % 4);
  for (let r = 0; r < fours; r += 4) {
    const at = r * n;
    const [va, vb, vc, vd] = [v[r]!, v[r + 1]!, v[r + 2]!, v[r + 3]!];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0; i < r; i++) {
      const [za, zb, zc, zd] = [data[at + i]!, data[at + n + i]!, data[at + 2 * n + i]!, data[at + 3 * n + i]!];
      const x = v[i]!;
      a += za * x;
      b += zb * x;
      c += zc * x;
      d += zd * x;
      out[i]! += za * va + zb * vb + zc * vc + zd * vd;
    }
    out[r]! += a;
    out[r + 1]! += b;
    out[r + 2]! += c;
    out[r + 3]! += d;
    for (let i = r; i < r + 4; i++) timesRow(data, n, i, r, v, out);
  }
  for (let r = fours; r < size; r++) timesRow(data, n, r, 0, v, out);
  return out;
}

/** What the elements of a row from `start` to the diagonal, and those that mirror them, add to the product. */
function timesRow(data: Float64Array, n: number, r: number, start: number, v: Float64Array, out: Float64Array): void {
  let sum = data[r * n + r]! * v[r]!;
  for (let i = start; i < r; i++) {
    sum += data[r * n + i]! * v[i]!;
    out[i]! += data[r * n + i]! * v[r]!;
  }
  out[r]! += sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** target -= x·a + y·b, as far as the target goes. */
function takeAway(target: Float64Array, x: number, a: Float64Array, y: number, b: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i]! -= x * a[i]! + y * b[i]!;
}

/** T = Qᵀ·A·Q: its diagonal, and beside it `off[i]` between i - 1 and i. */
export interface Tridiagonal {
  readonly diagonal: Float64Array;
  readonly off: Float64Array;
}

/**
 * Reduces a symmetric matrix, of which the lower triangle is read, to tridiagonal form, and leaves Qᵀ in its place: as the rotations that
 * may follow run over rows, which lie together in memory. From the last row up (Dongarra, Hammarling and Sorensen 1989, Block reduction of
 * matrices to condensed forms).
 */
export async function tridiagonalise(z: Matrix): Promise<Tridiagonal> {
  const { rows: n, data } = z;
  const [diagonal, off] = [new Float64Array(n), new Float64Array(n)];
  for (let end = n; end > 1; end = Math.max(1, end - panelRows)) {
    const panel: { readonly v: Float64Array; readonly w: Float64Array }[] = [];
    for (let i = end - 1; i >= Math.max(1, end - panelRows); i--) {
      const row = data.subarray(i * n, i * n + i + 1);
      for (const { v, w } of panel) takeAway(row, v[i]!, w, w[i]!, v);
      diagonal[i] = row[i]!;
      const before = row.subarray(0, i);
      const own = new Float64Array(end);
      const v = own.subarray(0, i);
      off[i] = reflector(before, v);
      const times = symmetricTimes(z, i, v);
      for (const one of panel) takeAway(times, dot(v, one.w), one.v, dot(v, one.v), one.w);
      const half = dot(times, v) / 2;
      const w = new Float64Array(end);
      for (let c = 0; c < i; c++) w[c] = times[c]! - half * v[c]!;
      before.set(v);
      panel.push({ v: own, w });
    }
    await takePanel(z, Math.max(1, end - panelRows), panel);
  }
  diagonal[0] = data[0]!;
  await multiplyReflections(z);
  return { diagonal, off };
}

/** A - Σ (v·wᵀ + w·vᵀ) in the lower triangle of the leading rows. */
async function takePanel(
  { columns: n, data }: Matrix,
  size: number,
  panel: readonly { readonly v: Float64Array; readonly w: Float64Array }[],
): Promise<void> {
  const joined = (vectors: readonly Float64Array[]) => {
    const rows = matrix(vectors.length, size);
    for (const [k, vector] of vectors.entries()) rows.data.set(vector.subarray(0, size), k * size);
    return transposeMatrix(rows);
  };
  const [vs, ws] = [panel.map(({ v }) => v), panel.map(({ w }) => w)];
  const [left, right] = [joined([...vs, ...ws]), joined([...ws, ...vs])];
  for (let start = 0; start < size; start += stripRows) {
    const stop = Math.min(start + stripRows, size);
    const product = await multiply(rowView(left, start, stop), rowView(right, 0, stop), { transB: true });
    for (let i = start; i < stop; i++) {
      const from = (i - start) * stop;
      for (let c = 0; c <= i; c++) data[i * n + c]! -= product.data[from + c]!;
    }
  }
}

/**
 * Qᵀ = H₁·H₂ ··· of the reflections whose vectors stand in the rows, left of the diagonal, in their place. So many together are I - Vᵀ·T·V
 * with upper triangular T (Schreiber and Van Loan 1989, A storage-efficient WY representation), and change the leading rows alone.
 */
async function multiplyReflections(z: Matrix): Promise<void> {
  const { rows: n, data } = z;
  for (let start = 0; start < n; start += reflectionsAtOnce) {
    const end = Math.min(start + reflectionsAtOnce, n);
    const v = matrix(end - start, n);
    for (let i = start; i < end; i++) {
      v.data.set(data.subarray(i * n, i * n + i), (i - start) * n);
      data.fill(0, i * n, (i + 1) * n);
      data[i * n + i] = 1;
    }
    const together = await multiply(await multiply(rowView(z, 0, end), v, { transB: true }), await triangleOf(v));
    for (let row = 0; row < end; row += stripRows) {
      const stop = Math.min(row + stripRows, end);
      await addProduct(rowView(z, row, stop), rowView(together, row, stop), v);
    }
  }
}

/** -T of reflections I - v·vᵀ: each column is found from those before it. */
async function triangleOf(v: Matrix): Promise<Matrix> {
  const products = await multiply(v, v, { transB: true });
  const n = v.rows;
  const t = matrix(n, n);
  for (let j = 0; j < n; j++) {
    t.data[j * n + j] = -1;
    for (let i = 0; i < j; i++) {
      let sum = 0;
      for (let k = i; k < j; k++) sum -= t.data[i * n + k]! * products.data[k * n + j]!;
      t.data[i * n + j] = sum;
    }
  }
  return t;
}
