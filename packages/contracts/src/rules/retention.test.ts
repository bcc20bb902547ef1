// Edits in slices by when they were made, and what counts as holding.
import { expect, test } from 'vitest';
import { retentionOf } from './retention.ts';

const right = { exact: 1, token: 1 };
const partly = { exact: 0, token: 1 };

test('an edit a slice while they are few; generated answers go before tokens; what could not be asked is told apart', () => {
  const found = [right, partly, { exact: null, token: 1 }, { exact: null, token: 0.5 }, null];
  expect(retentionOf(found)).toEqual({
    edits: 4,
    held: 2,
    failed: 1,
    slices: [1, 0, 1, 0, 0].map((held, index) => ({
      ...{ from: index + 1, to: index + 1, held },
      edits: index === 4 ? 0 : 1,
    })),
  });
});

test('of many edits every one is in one slice, and there are no more slices than a curve has room for', () => {
  for (const count of [0, 25, 26, 999, 10_000]) {
    const { slices, edits, held } = retentionOf(
      Array.from({ length: count }, (_, i) => (i < count / 2 ? partly : right)),
    );
    expect(slices.length).toBeLessThanOrEqual(25);
    expect([edits, held]).toEqual([count, Math.floor(count / 2)]);
    expect(slices.flatMap(({ from, to }) => [from, to])).toEqual(
      slices.flatMap((_, index) => [
        index === 0 ? 1 : slices[index - 1]!.to + 1,
        index === slices.length - 1 ? count : slices[index + 1]!.from - 1,
      ]),
    );
  }
});
