// SPHERE: what it takes away of AlphaEdit's changes, and from where.
import { matrix, multiply } from '@errata/graph';
import { valueMatrix } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import { mainDirections, weakened } from '../../solve/hypersphere.ts';
import { minus, norm } from '../../solve/vectors.ts';
import { randoms } from '../../tiny-model.fixture.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { families, someEdits, tinySetup, valueAt } from '../setups.fixture.ts';
import { tinyAlphaEdit, tinySphere } from './tiny.fixture.ts';

const random = (seed: number, rows: number, columns: number) => {
  const next = randoms(seed);
  return matrix(rows, columns, Float64Array.from({ length: rows * columns }, next));
};

describe('the main directions of rows', () => {
  const rows = random(1, 6, 15);

  it('are orthonormal, and as few as make up more than the share', async () => {
    for (const share of [0.1, 0.5, 0.9]) {
      const directions = await mainDirections(rows, share);
      const products = await multiply(directions, directions, { transA: true });
      for (const [i, x] of products.data.entries())
        expect(x).toBeCloseTo(i % (directions.columns + 1) === 0 ? 1 : 0, 10);
      const along = await multiply(rows, directions);
      const spread = (columns: number) => {
        let sum = 0;
        for (let i = 0; i < rows.rows; i++) {
          const size = norm(rows.data.subarray(i * 15, (i + 1) * 15) as Float64Array);
          for (let j = 0; j < columns; j++) sum += (along.data[i * directions.columns + j]! / size) ** 2 / rows.rows;
        }
        return sum;
      };
      expect(spread(directions.columns)).toBeGreaterThan(share);
      expect(spread(directions.columns - 1)).toBeLessThanOrEqual(share);
    }
  });

  it('lose the part of a change that is asked for, and nothing else does', async () => {
    const directions = await mainDirections(rows, 0.5);
    const change = random(2, 15, 3);
    const left = await weakened(change, directions, 0.25);
    const [before, after] = [change, left].map((x) => multiply(directions, x, { transA: true }));
    for (const [i, x] of (await after!).data.entries()) expect(x).toBeCloseTo(0.75 * (await before!).data[i]!, 10);
    const off = async (x: typeof change) => (await weakened(x, directions, 1)).data;
    expect(norm(minus(await off(left), await off(change)))).toBeLessThan(1e-10);
  });
});

describe.each(families)('SPHERE on %s', (_family, config) => {
  it('is AlphaEdit at no strength, and at full strength moves nothing in the main directions', async () => {
    const { model, inputOf } = await tinySetup(config);
    const some = someEdits.slice(0, 2);
    const none = await edit('sphere', inputOf(tinySphere, some, { suppression_strength: 0 }));
    const plain = await edit('alpha-edit', inputOf(tinyAlphaEdit, some));
    expect(none.deltas).toEqual(plain.deltas);
    const full = await edit('sphere', inputOf(tinySphere, some, { suppression_strength: 1 }));
    const [before, after] = [model.view(), model.view(full.deltas.map(({ delta }) => delta))];
    const { inSize, outSize } = valueMatrix(model.spec, 0);
    const rows = matrix(outSize, inSize);
    for (let i = 0; i < inSize; i++) {
      const value = valueAt(
        before,
        0,
        Float64Array.from({ length: inSize }, (_, j) => (i === j ? 1 : 0)),
      );
      for (let o = 0; o < outSize; o++) rows.data[o * inSize + i] = value[o]!;
    }
    const directions = await mainDirections(rows, tinySphere.cumulative_ratio);
    for (let r = 0; r < directions.columns; r++) {
      const direction = Float64Array.from({ length: inSize }, (_, i) => directions.data[i * directions.columns + r]!);
      expect(norm(minus(valueAt(after, 0, direction), valueAt(before, 0, direction)))).toBeLessThan(1e-5);
    }
  });
});

leavesAloneWhatHolds('sphere', tinySphere);
