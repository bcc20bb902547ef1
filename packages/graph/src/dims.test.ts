// Symbolic sizes: arithmetic that agrees with numbers, in one spelling.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addDims,
  broadcastDims,
  canonicalDim,
  type Dim,
  elementCount,
  evaluateDim,
  mulDims,
  sameDims,
  subDims,
} from './dims.ts';

const bindings = new Map([
  ['B', 3],
  ['T', 5],
  ['P', 7],
]);
const sizeOf = (dim: Dim) => evaluateDim(dim, bindings)!;

const dims: fc.Arbitrary<Dim> = fc.letrec<{ dim: Dim }>((tie) => ({
  dim: fc.oneof(
    { maxDepth: 3 },
    fc.nat(9),
    fc.constantFrom('B', 'T', 'P'),
    fc.tuple(tie('dim'), tie('dim')).map(([a, b]) => addDims(a, b)),
    fc.tuple(tie('dim'), tie('dim')).map(([a, b]) => mulDims(a, b)),
  ),
})).dim;

describe('symbolic sizes', () => {
  it('evaluate as the numbers they stand for', () => {
    fc.assert(
      fc.property(dims, dims, (a, b) => {
        expect(sizeOf(addDims(a, b))).toBe(sizeOf(a) + sizeOf(b));
        expect(sizeOf(mulDims(a, b))).toBe(sizeOf(a) * sizeOf(b));
        expect(sizeOf(subDims(a, b))).toBe(sizeOf(a) - sizeOf(b));
      }),
    );
  });

  it('have one spelling, however they were reached', () => {
    fc.assert(
      fc.property(dims, dims, dims, (a, b, c) => {
        expect(addDims(a, b)).toBe(addDims(b, a));
        expect(mulDims(a, b)).toBe(mulDims(b, a));
        expect(mulDims(a, addDims(b, c))).toBe(addDims(mulDims(a, b), mulDims(a, c)));
        expect(subDims(addDims(a, b), b)).toBe(canonicalDim(a));
      }),
    );
  });

  it('are spelled for people', () => {
    expect(mulDims('T', 'B')).toBe('B*T');
    expect(mulDims(4, 'T')).toBe('4*T');
    expect(canonicalDim('T + P')).toBe('P+T');
    expect(elementCount(['B', 2, 'T', 3])).toBe('6*B*T');
    expect(evaluateDim('S', bindings)).toBeUndefined();
  });

  it('broadcast only where both are known to agree', () => {
    expect(broadcastDims(['B', 1, 3], ['T', 1])).toEqual(['B', 'T', 3]);
    expect(broadcastDims(['B'], ['T'])).toBeUndefined();
    expect(broadcastDims([2], [3])).toBeUndefined();
    expect(sameDims(['B', 2], ['B', 2])).toBe(true);
    expect(sameDims(['B'], ['B', 1])).toBe(false);
  });

  it('are refused where they are not sizes', () => {
    for (const bad of [-1, 1.5, 'B/2', '', '2B']) expect(() => canonicalDim(bad)).toThrow(/is not a/);
  });
});
