// The plan of a protocol: everything measured as often as the protocol says, in order, whatever the numbers.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ServedProtocol } from '../wire/protocols.ts';
import { checkpointsOf, divideUnits, planProtocol } from './protocol-plan.ts';

const protocols: fc.Arbitrary<ServedProtocol> = fc.oneof(
  fc.constant({ kind: 'single' as const }),
  fc.record({ kind: fc.constant('batch' as const), size: fc.integer({ min: 1, max: 70 }) }),
  fc.record({ kind: fc.constant('lifelong' as const), batch: fc.integer({ min: 1, max: 20 }) }),
);

const counts = fc.record({
  edits: fc.integer({ min: 1, max: 300 }),
  watched: fc.integer({ min: 0, max: 70 }),
  n: fc.integer({ min: 1, max: 20 }),
});

test('units follow one another without gaps, make every edit once, and shards are whole units', () => {
  fc.assert(
    fc.property(protocols, counts, (protocol, { edits, watched, n }) => {
      const units = planProtocol(protocol, edits, { watched });
      let position = 0;
      const made: number[] = [];
      for (const { kind, from, to, first, place } of units) {
        expect(from).toBe(position);
        position = to;
        const cases = Array.from({ length: to - from }, (_, index) => first + index);
        if (kind === 'make') made.push(...cases);
        // What is asked about has been made.
        else expect(cases.every((each) => each >= edits || made.includes(each))).toBe(true);
        expect(first + to - from).toBeLessThanOrEqual(first < edits ? edits : edits + watched);
        if (protocol.kind === 'lifelong') expect(place.edits).toBe(made.length);
      }
      expect(made).toEqual(Array.from({ length: edits }, (_, index) => index));
      const asked = position - edits;
      const again = protocol.kind === 'lifelong' ? [...checkpointsOf(protocol, edits)] : [];
      expect(asked).toBe(again.reduce((sum, at) => sum + at + watched, 0));

      const ranges = divideUnits(units, protocol, n);
      expect([ranges[0]?.from, ranges.at(-1)?.to]).toEqual([0, position]);
      for (const [index, { from }] of ranges.entries()) {
        if (index > 0) expect(from).toBe(ranges[index - 1]?.to);
        expect(units.some((unit) => unit.from === from)).toBe(true);
      }
      if (protocol.kind === 'lifelong') expect(ranges).toHaveLength(1);
    }),
  );
});

test('places are those of runs: alone and in a stream right after the edit, batches and streams at their end', () => {
  const places = (protocol: ServedProtocol, edits: number) =>
    planProtocol(protocol, edits).map(({ kind, place }) => `${kind} ${place.moment} ${place.edits}`);
  expect(places({ kind: 'single' }, 2)).toEqual(['make once 1', 'make once 1']);
  expect(places({ kind: 'batch', size: 2 }, 3)).toEqual(['make end 2', 'make end 1']);
  expect(places({ kind: 'lifelong', batch: 2 }, 5)).toEqual([
    'make once 2',
    'ask curve 2',
    'make once 4',
    'make once 5',
    'ask end 5',
  ]);
});

test('cases that hold several edits count as many in the model, and cases are what is counted off', () => {
  const plan = planProtocol({ kind: 'lifelong', batch: 2 }, 3, { edits: [2, 3, 1], watched: 1 });
  expect(plan.map(({ kind, first, reached, place }) => [kind, first, reached, place.edits])).toEqual([
    ['make', 0, 2, 5],
    ['ask', 0, 2, 5],
    ['ask', 3, 2, 5],
    ['make', 2, 3, 6],
    ['ask', 0, 3, 6],
    ['ask', 3, 3, 6],
  ]);
});
