// Dimensions: numbers, or symbolic sizes such as 'B', 'B*T' or 'P+T', kept in one canonical spelling.

import { GraphError } from './errors.ts';

/** A size: a number, or a polynomial over symbols in canonical spelling (`'T'`, `'4*T'`, `'P+T'`). */
export type Dim = number | string;

/** Monomial (sorted factors joined by `*`, `''` for the constant) to coefficient. */
type Polynomial = Map<string, number>;

const symbolPattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

function parse(dim: Dim): Polynomial {
  if (typeof dim === 'number') return new Map(dim === 0 ? [] : [['', dim]]);
  const terms: Polynomial = new Map();
  for (const term of dim.split('+')) {
    let coefficient = 1;
    const factors: string[] = [];
    for (const factor of term.split('*')) {
      const text = factor.trim();
      if (/^-?\d+$/.test(text)) coefficient *= Number(text);
      else if (symbolPattern.test(text)) factors.push(text);
      else throw new GraphError('bad_argument', `"${dim}" is not a dimension`, { where: 'dimension' });
    }
    const key = factors.sort().join('*');
    terms.set(key, (terms.get(key) ?? 0) + coefficient);
  }
  return terms;
}

function print(terms: Polynomial): Dim {
  const kept = [...terms].filter(([, c]) => c !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  if (kept.length === 0) return 0;
  const only = kept[0]!;
  if (kept.length === 1 && only[0] === '') return only[1];
  return kept.map(([key, c]) => (key === '' ? `${c}` : c === 1 ? key : `${c}*${key}`)).join('+');
}

/** The canonical spelling of a dimension; checks that it is a whole non-negative number or a polynomial of symbols. */
export function canonicalDim(dim: Dim): Dim {
  if (typeof dim === 'number') {
    if (!Number.isSafeInteger(dim) || dim < 0)
      throw new GraphError('bad_argument', `${dim} is not a size`, { where: 'dimension' });
    return dim;
  }
  return symbolPattern.test(dim) ? dim : print(parse(dim));
}

/** Sum of two sizes. */
export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  const sum = parse(a);
  for (const [key, c] of parse(b)) sum.set(key, (sum.get(key) ?? 0) + c);
  return print(sum);
}

/** Product of two sizes. */
export function mulDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  const product: Polynomial = new Map();
  for (const [ka, ca] of parse(a)) {
    for (const [kb, cb] of parse(b)) {
      const key = [...ka.split('*'), ...kb.split('*')]
        .filter((f) => f !== '')
        .sort()
        .join('*');
      product.set(key, (product.get(key) ?? 0) + ca * cb);
    }
  }
  return print(product);
}

/** Difference of two sizes; may have negative coefficients while symbolic. */
export function subDims(a: Dim, b: Dim): Dim {
  return addDims(a, mulDims(b, -1));
}

/** Number of elements of a shape. */
export function elementCount(dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>(mulDims, 1);
}

/** Whether two shapes are the same, symbol by symbol. */
export function sameDims(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** The terms of a dimension: coefficient and symbols of each. */
export function termsOf(dim: Dim): readonly { readonly coefficient: number; readonly symbols: readonly string[] }[] {
  return [...parse(dim)].map(([key, coefficient]) => ({ coefficient, symbols: key === '' ? [] : key.split('*') }));
}

/** The value of a dimension once its symbols are bound; undefined where a symbol is not. */
export function evaluateDim(dim: Dim, bindings: ReadonlyMap<string, number>): number | undefined {
  if (typeof dim === 'number') return dim;
  let total = 0;
  for (const { coefficient, symbols } of termsOf(dim)) {
    let value = coefficient;
    for (const symbol of symbols) {
      const bound = bindings.get(symbol);
      if (bound === undefined) return undefined;
      value *= bound;
    }
    total += value;
  }
  return total;
}

/** Whether a dimension is one bare symbol, which an input can bind. */
export function isSymbol(dim: Dim): dim is string {
  return typeof dim === 'string' && symbolPattern.test(dim);
}

/**
 * The shape two operands broadcast to (trailing axes aligned, 1 stretches).
 * @returns undefined where they do not.
 */
export function broadcastDims(a: readonly Dim[], b: readonly Dim[]): readonly Dim[] | undefined {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === y || y === 1) out.push(x);
    else if (x === 1) out.push(y);
    else return undefined;
  }
  return out;
}
