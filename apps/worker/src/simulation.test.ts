// Thousands of seeded lives of a service, each checked against the promises; and models that are broken on purpose, to be found out.
import { uniform } from '@errata/models';
import { expect, test } from 'vitest';
import { violations } from '../../../test/faults/promises.ts';
import { type Defect, simulate } from './simulation.fixture.ts';

const seeds = Number(process.env.ERRATA_SEEDS ?? 5_000);
const first = Number(process.env.ERRATA_SEED ?? 1);

const found = (seed: number, defect?: Defect) => {
  const history = simulate(uniform(seed, 0), defect);
  return violations(history, { acknowledged: history.jobs.map(({ id }) => id), settled: true });
};

test(`${seeds} seeds break no promise`, () => {
  const ends = new Map<string, number>();
  for (let seed = first; seed < first + seeds; seed++) {
    let broken: unknown;
    try {
      broken = found(seed);
    } catch (error) {
      broken = error;
    }
    expect(broken, `ERRATA_SEED=${seed} ERRATA_SEEDS=1 shows it again`).toEqual([]);
    if (seed % 20 !== 0) continue;
    for (const { state } of simulate(uniform(seed, 0)).jobs) ends.set(state, (ends.get(state) ?? 0) + 1);
  }
  // The lives that were led include every kind of end.
  if (seeds >= 1_000) expect([...ends.keys()].sort()).toEqual(['cancelled', 'failed', 'gated_out', 'succeeded']);
});

test.each(['no fencing', 'no order', 'events apart'] satisfies Defect[])('a service with %s is found out', (defect) => {
  let caught = 0;
  for (let seed = 1; seed <= 500 && caught === 0; seed++) {
    try {
      if (found(seed, defect).length > 0) caught = seed;
    } catch {
      caught = seed;
    }
  }
  expect(caught).toBeGreaterThan(0);
});
