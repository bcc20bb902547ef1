// Matrices in float64, and their products through the runtime.

import { GraphError } from './errors.ts';
import { gemm } from './ops.ts';
import { compile, type Program } from './program.ts';
import { float64, float64Data, input } from './tensor.ts';

/** A row-major float64 matrix. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** A matrix over the given elements (not copied), or zeros. @throws GraphError `shape_mismatch` */
export function matrix(rows: number, columns: number, data: Float64Array = new Float64Array(rows * columns)): Matrix {
  if (data.length !== rows * columns)
    throw new GraphError('shape_mismatch', `${data.length} elements do not fill the matrix`, {
      where: 'matrix',
      shapes: [[rows, columns]],
    });
  return { rows, columns, data };
}

/** The identity. */
export function identity(n: number): Matrix {
  const out = matrix(n, n);
  for (let i = 0; i < n; i++) out.data[i * n + i] = 1;
  return out;
}

/**
 * Writes rows as columns of another matrix: eight at a time, so that what is written of a column fills a line of the cache.
 * @param columns elements of a row
 * @param to where the first element goes, in rows of `stride` elements
 */
export function turnRows(from: Float32Array | Float64Array, columns: number, to: Float64Array, stride: number): void {
  const rows = columns === 0 ? 0 : from.length / columns;
  const eights = rows - (rows % 8);
  for (let r = 0; r < eights; r += 8) {
    for (let c = 0; c < columns; c++) {
      const at = r * columns + c;
      const into = c * stride + r;
      to[into] = from[at]!;
      to[into + 1] = from[at + columns]!;
      to[into + 2] = from[at + 2 * columns]!;
      to[into + 3] = from[at + 3 * columns]!;
      to[into + 4] = from[at + 4 * columns]!;
      to[into + 5] = from[at + 5 * columns]!;
      to[into + 6] = from[at + 6 * columns]!;
      to[into + 7] = from[at + 7 * columns]!;
    }
  }
  for (let r = eights; r < rows; r++) for (let c = 0; c < columns; c++) to[c * stride + r] = from[r * columns + c]!;
}

/** Rows and columns exchanged. */
export function transposeMatrix({ rows, columns, data }: Matrix): Matrix {
  const out = matrix(columns, rows);
  turnRows(data, columns, out.data, rows);
  return out;
}

/** Which operands of a product are transposed first. */
export interface ProductOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
}

const products = new Map<string, Promise<Program>>();

function productProgram(transA: boolean, transB: boolean, adds: boolean): Promise<Program> {
  const key = `${transA} ${transB} ${adds}`;
  let program = products.get(key);
  if (!program) {
    const a = input('a', 'float64', transA ? ['K', 'M'] : ['M', 'K']);
    const b = input('b', 'float64', transB ? ['N', 'K'] : ['K', 'N']);
    const sum = adds && { bias: input('sum', 'float64', ['M', 'N']) };
    // The CPU has float64 kernels; accelerators are an option for float32 graphs only.
    program = compile({ product: gemm(a, b, { transA, transB, ...sum }) }, { provider: 'cpu' });
    products.set(key, program);
  }
  return program;
}

/** Below this many multiplications a run of the runtime costs more than the product. */
const smallProduct = 2 ** 15;

function addSmallProduct(sum: Matrix, a: Matrix, b: Matrix): void {
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const x = a.data[i * a.columns + k]!;
      for (let j = 0; j < b.columns; j++) sum.data[i * b.columns + j]! += x * b.data[k * b.columns + j]!;
    }
  }
}

const hostOf = ({ rows, columns, data }: Matrix) => float64([rows, columns], data);

async function product(
  where: string,
  a: Matrix,
  b: Matrix,
  { transA = false, transB = false }: ProductOptions,
  given: { readonly into?: Matrix; readonly adds: boolean },
): Promise<Matrix> {
  const [m, k] = transA ? [a.columns, a.rows] : [a.rows, a.columns];
  const [k2, n] = transB ? [b.columns, b.rows] : [b.rows, b.columns];
  const { into, adds } = given;
  const shapes = [a, b, ...(into ? [into] : [])].map(({ rows, columns }) => [rows, columns]);
  if (k !== k2) throw new GraphError('shape_mismatch', `inner sizes ${k} and ${k2} differ`, { where, shapes });
  if (into && (into.rows !== m || into.columns !== n))
    throw new GraphError('shape_mismatch', 'the product has another shape', { where, shapes });
  if (m * n * k <= smallProduct) {
    const out = into ?? matrix(m, n);
    if (!adds) out.data.fill(0);
    addSmallProduct(out, transA ? transposeMatrix(a) : a, transB ? transposeMatrix(b) : b);
    return out;
  }
  const program = await productProgram(transA, transB, adds);
  const feeds = { a: hostOf(a), b: hostOf(b), ...(adds && { sum: hostOf(into!) }) };
  if (into === undefined) return matrix(m, n, float64Data((await program.run(feeds)).product!));
  await program.run(feeds, { product: hostOf(into) });
  return into;
}

/** op(a)·op(b). @throws GraphError `shape_mismatch` */
export const multiply = (a: Matrix, b: Matrix, options: ProductOptions = {}): Promise<Matrix> =>
  product('multiply', a, b, options, { adds: false });

/** op(a)·op(b), written over a matrix that is neither of them. @throws GraphError `shape_mismatch` */
export const multiplyInto = (into: Matrix, a: Matrix, b: Matrix, options: ProductOptions = {}): Promise<Matrix> =>
  product('multiplyInto', a, b, options, { into, adds: false });

/** Adds op(a)·op(b) to a matrix that is neither of them: nothing of its size is allocated. @throws GraphError `shape_mismatch` */
export const addProduct = (into: Matrix, a: Matrix, b: Matrix, options: ProductOptions = {}): Promise<Matrix> =>
  product('addProduct', a, b, options, { into, adds: true });

/** Rows of a matrix, not copied. */
export const rowView = ({ columns, data }: Matrix, start: number, end: number): Matrix =>
  matrix(end - start, columns, data.subarray(start * columns, end * columns));

/** Frees the programs that products run on. */
export async function releaseLinalg(): Promise<void> {
  const all = [...products.values()];
  products.clear();
  for (const program of all) await (await program).release();
}
