// Who asks for how much and when: branches of many keys, from single edits to batches of a thousand.
import type { Priority } from '@errata/contracts';
import type { Branch, Costs, Setting, Submission } from './simulate.ts';

export interface Shape {
  readonly branches: number;
  readonly keys: number;
  readonly workers: number;
  /** Of all jobs together. */
  readonly edits: number;
  readonly costs: Costs;
  readonly random: () => number;
}

export const scenarios = ['steady', 'rush', 'full', 'needs', 'urgent'] as const;
export type Scenario = (typeof scenarios)[number];

export const tells: Readonly<Record<Scenario, string>> = {
  steady: 'submissions come at random, and keep workers busy for four fifths of their time',
  rush: 'the same, and half-way one key hands in a fifth of all edits at once, in batches of a hundred, on a third of the branches',
  full: 'everything is there at the beginning: half of the branches have single edits, the others batches of a hundred',
  urgent: 'as full, and all jobs of one branch in ten are of high priority, those of another of low',
  needs: 'as full, and the jobs of one branch in twenty need a label that one worker in ten has',
};

/** How many edits a job has, and how often. */
const sizes = [
  [0.7, 1],
  [0.2, 10],
  [0.09, 100],
  [0.01, 1000],
] as const;
const meanSize = sizes.reduce((sum, [share, edits]) => sum + share * edits, 0);
const load = 0.8;
/** Of a branch at rank r, r to this power: the busiest asks for less than one worker can do. */
const skew = -0.4;
const label = 'gpu';

export function settingOf(scenario: Scenario, shape: Shape): Omit<Setting, 'onTaken' | 'onEnded'> {
  const { costs, random } = shape;
  const needs = scenario === 'needs';
  return {
    costs,
    random,
    reconcileMs: 5_000,
    workers: Array.from({ length: shape.workers }, (_, index) => (needs && index % 10 === 0 ? [label] : [])),
    branches: Array.from(
      { length: shape.branches },
      (_, index): Branch => ({
        key: keyOf(index, shape),
        needs: needs && index % 20 === 10 ? [label] : [],
      }),
    ),
    submissions:
      scenario === 'steady' || scenario === 'rush'
        ? comingIn(shape, scenario === 'rush')
        : allAtOnce(shape, scenario === 'urgent' ? priorityOf : () => 'normal'),
  };
}

/** The first key has a third of the branches, the others as many each. */
const keyOf = (branch: number, { keys }: Shape): number => (branch % 3 === 0 ? 0 : 1 + (branch % (keys - 1)));

/** Edits a second that keep workers busy for as much of their time as `load` says. */
const rateOf = ({ costs, workers }: Shape): number =>
  (load * workers * meanSize) / (costs.turn + 2 * costs.look + costs.job + meanSize * costs.edit);

function* comingIn(shape: Shape, rush: boolean): Generator<Submission> {
  const { random, edits, branches } = shape;
  const weights = Array.from({ length: branches }, (_, rank) => (rank + 1) ** skew);
  const sums: number[] = [];
  for (const weight of weights) sums.push((sums.at(-1) ?? 0) + weight);
  const rushed = rush ? edits / 5 : 0;
  const [jobsPerMs, halfWay] = [rateOf(shape) / meanSize, (edits - rushed) / 2];
  let [at, asked] = [0, 0];
  while (asked < edits - rushed) {
    at -= Math.log(1 - random()) / jobsPerMs;
    const size = pick(random());
    if (rushed > 0 && asked < halfWay && asked + size >= halfWay) yield* atOnce(at, rushed, branches);
    asked += size;
    yield { at, branch: indexOf(sums, random() * sums.at(-1)!), edits: size, priority: 'normal' };
  }
}

function* atOnce(at: number, edits: number, branches: number): Generator<Submission> {
  for (let n = 0; n < edits / 100; n++)
    yield { at, branch: (3 * n) % (branches - (branches % 3)), edits: 100, priority: 'normal' };
}

/** Of the jobs of a branch. */
const priorityOf = (branch: number): Priority => (branch % 10 === 7 ? 'high' : branch % 10 === 8 ? 'low' : 'normal');

function* allAtOnce({ edits, branches }: Shape, priority: (branch: number) => Priority): Generator<Submission> {
  const each = edits / branches;
  for (let n = 0; n < each; n++)
    for (let branch = 0; branch < branches; branch++) {
      const size = branch % 2 === 0 ? 1 : 100;
      if (n % size === 0) yield { at: 0, branch, edits: size, priority: priority(branch) };
    }
}

function pick(random: number): number {
  let sum = 0;
  for (const [share, edits] of sizes) {
    sum += share;
    if (random < sum) return edits;
  }
  return 1;
}

/** The first place whose sum is above a value. */
function indexOf(sums: readonly number[], value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
