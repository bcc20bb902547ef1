// Group testing: finds planted edits in few trials, and stays sound whatever interacts with what.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Sifted, siftBatch, type Trial } from './sift.ts';

type Passes = (part: ReadonlySet<number>) => boolean;

async function bisected(size: number, passes: Passes, budget = 10_000) {
  const positions = Array.from({ length: size }, (_, index) => index);
  const parts: string[] = [];
  const tried = (part: readonly number[]): Trial<string> => ({ passed: passes(new Set(part)), found: part.join() });
  const whole = tried(positions);
  expect(whole.passed).toBe(false);
  const sifted: Sifted<string> = await siftBatch(
    positions,
    whole,
    async (part) => {
      parts.push(part.join());
      return tried(part);
    },
    budget,
  );
  expect(new Set(parts).size).toBe(parts.length);
  expect(sifted.trials).toBe(parts.length + 1);
  return sifted;
}

const isBad =
  (...bad: readonly number[]): Passes =>
  (part) =>
    !bad.some((position) => part.has(position));

const positionsOf = ({ refused }: Sifted<string>) => refused.map(({ position }) => position);
const bound = (refused: number, size: number) => refused * (Math.ceil(Math.log2(size)) + 2) + 1;

test('planted edits are found, the others accepted as they were tried, in k (log n + 2) + 1 trials', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .integer({ min: 1, max: 200 })
        .chain((size) =>
          fc.tuple(
            fc.constant(size),
            fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { minLength: 1, maxLength: Math.min(size, 8) }),
          ),
        ),
      async ([size, bad]) => {
        const found = await bisected(size, isBad(...bad));
        expect(positionsOf(found)).toEqual([...bad].sort((a, b) => a - b));
        expect(found.refused.every(({ how }) => how === 'alone')).toBe(true);
        expect(found.accepted).toHaveLength(size - bad.length);
        expect(found.trial?.found ?? '').toBe(found.accepted.join());
        expect(found.trials).toBeLessThanOrEqual(bound(bad.length, size));
      },
    ),
    { seed: 20261121, numRuns: 300 },
  );
});

test('whatever the gate does, what is accepted was tried as it is and passed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 24 }), fc.integer(), async (size, salt) => {
      // A gate without rhyme or reason: it passes about half of the parts, and never the whole.
      const passes: Passes = (part) => part.size < size && hash([...part].join(), salt) % 2 === 0;
      const found = await bisected(size, passes);
      if (found.accepted.length > 0) {
        expect(passes(new Set(found.accepted))).toBe(true);
        expect(found.trial).toMatchObject({ passed: true, found: found.accepted.join() });
      } else expect(found.trial).toBeNull();
      expect([...found.accepted, ...positionsOf(found)].sort((a, b) => a - b)).toEqual(
        Array.from({ length: size }, (_, index) => index),
      );
      for (const { trial, position } of found.refused) {
        expect(trial.passed).toBe(false);
        expect(trial.found.split(',')).toContain(String(position));
      }
      const again = await bisected(size, passes);
      expect(again).toEqual(found);
    }),
    { seed: 20261121, numRuns: 300 },
  );
});

const hash = (text: string, salt: number): number => {
  let value = salt | 0;
  for (const character of text) value = (Math.imul(value, 31) + character.charCodeAt(0)) | 0;
  return Math.abs((value ^ (value >>> 13)) | 0);
};

test('two halves that pass and fail together: the earlier stays, the later says why', async () => {
  const found = await bisected(16, (part) => !(part.has(3) && part.has(12)));
  expect(found.refused).toMatchObject([{ position: 12, how: 'together' }]);
  expect(found.accepted).toHaveLength(15);
  const three = await bisected(8, (part) => !(part.has(1) && part.has(4) && part.has(6)));
  expect(three.refused).toMatchObject([{ position: 6, how: 'together' }]);
});

test('too many of a kind: as many as fit are kept', async () => {
  const found = await bisected(10, (part) => part.size <= 6);
  expect(found.accepted).toEqual([0, 1, 2, 3, 4, 5]);
  expect(found.refused.every(({ how }) => how === 'together')).toBe(true);
});

test('a batch without a good edit is refused whole', async () => {
  const found = await bisected(5, () => false);
  expect(found).toMatchObject({ accepted: [], trial: null });
  expect(positionsOf(found)).toEqual([0, 1, 2, 3, 4]);
  expect(await bisected(1, () => false)).toMatchObject({ trials: 1, refused: [{ position: 0, how: 'alone' }] });
});

test('when the trials run out, what passed until then is kept and the rest is returned unsettled', async () => {
  const found = await bisected(64, isBad(40, 50, 60), 6);
  expect(found.trials).toBe(6);
  expect(found.trial?.passed).toBe(true);
  expect(found.accepted).toEqual(Array.from({ length: found.accepted.length }, (_, index) => index));
  expect(found.accepted.length).toBeGreaterThanOrEqual(32);
  const unsettled = found.refused.filter(({ how }) => how === 'unsettled');
  expect(unsettled.length + found.accepted.length + (found.refused.length - unsettled.length)).toBe(64);
  expect(unsettled.length).toBeGreaterThan(0);
  expect(await bisected(4, isBad(2), 1)).toMatchObject({ accepted: [], refused: [{ how: 'unsettled' }, {}, {}, {}] });
});

test('a failure to try is not a verdict', async () => {
  const broken = siftBatch([0, 1], { passed: false, found: '' }, () => Promise.reject(new Error('away')), 9);
  await expect(broken).rejects.toThrow('away');
});
