// Small float64 vector arithmetic for the closed-form solves.

/** Sum of products. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Euclidean norm. */
export const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

/** a times a number. */
export const scaled = (a: Float64Array, factor: number): Float64Array => a.map((x) => x * factor);

/** a + b. */
export const plus = (a: Float64Array, b: Float64Array): Float64Array => a.map((x, i) => x + b[i]!);

/** a - b. */
export const minus = (a: Float64Array, b: Float64Array): Float64Array => a.map((x, i) => x - b[i]!);

/** Mean of vectors of one length; there must be one at least. */
export function meanOf(vectors: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]!;
  return scaled(mean, 1 / vectors.length);
}

/** A x for a row-major matrix with x.length columns. */
export function multiplyVector(matrix: Float64Array, x: Float64Array): Float64Array {
  const columns = x.length;
  const out = new Float64Array(matrix.length / columns);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    const row = i * columns;
    for (let j = 0; j < columns; j++) sum += matrix[row + j]! * x[j]!;
    out[i] = sum;
  }
  return out;
}
