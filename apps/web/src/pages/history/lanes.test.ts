// Lanes of a history: a line of descent keeps its lane, branches get their own and end where they came from.
import { expect, test } from 'vitest';
import { layOutLanes } from './lanes.ts';

const version = (id: string, parent_id: string | null) => ({ id, parent_id });

test('a chain is one lane', () => {
  const drawn = layOutLanes([version('c', 'b'), version('b', 'a'), version('a', null)]);
  expect(drawn.map(({ lane }) => lane)).toEqual([0, 0, 0]);
  expect(drawn.map(({ lines }) => lines)).toEqual([[], [{ from: 0, to: 0 }], [{ from: 0, to: 0 }]]);
  expect(drawn.map(({ hasChildren, goesOn }) => [hasChildren, goesOn])).toEqual([
    [false, true],
    [true, true],
    [true, false],
  ]);
});

test('a branch has a lane of its own that ends in what it came from, and the lane is free again', () => {
  const drawn = layOutLanes([
    version('e', 'c'),
    version('d', 'b'),
    version('c', 'b'),
    version('b', 'a'),
    version('f', 'a'),
    version('a', null),
  ]);
  expect(drawn.map(({ id, lane }) => [id, lane])).toEqual([
    ['e', 0],
    ['d', 1],
    ['c', 0],
    ['b', 0],
    ['f', 1],
    ['a', 0],
  ]);
  expect(drawn[3]!.lines).toEqual([
    { from: 0, to: 0 },
    { from: 1, to: 0 },
  ]);
  expect(drawn[5]!.lines).toEqual([
    { from: 0, to: 0 },
    { from: 1, to: 0 },
  ]);
});

test('a parent beyond the list leaves its line open', () => {
  expect(layOutLanes([version('b', 'a')])).toEqual([{ id: 'b', lane: 0, lines: [], hasChildren: false, goesOn: true }]);
});
