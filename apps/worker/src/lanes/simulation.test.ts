// Thousands of seeded lives of a service, each checked against the promises; and models that are broken on purpose, to be found out.
import { changedNothing } from '@errata/contracts';
import { uniform } from '@errata/models';
import { expect, test } from 'vitest';
import { violations } from '../../../../test/support/promises.ts';
import type { History } from '../../../../test/support/recorded-history.ts';
import { defects } from './simulated-database.fixture.ts';
import { simulate } from './simulation.fixture.ts';

const seeds = Number(process.env.ERRATA_SEEDS ?? 5_000);
const first = Number(process.env.ERRATA_SEED ?? 1);

const found = (history: History) =>
  violations(history, { acknowledged: history.jobs.map(({ id }) => id), settled: true });

test(`${seeds} seeds break no promise`, () => {
  const [ends, moves] = [new Set<string>(), new Set<string>()];
  let unchanged = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    let broken: unknown;
    try {
      const history = simulate(uniform(seed, 0));
      broken = found(history);
      for (const job of history.jobs) {
        ends.add(job.state);
        if (changedNothing(job)) unchanged++;
      }
      for (const { kind } of history.branch_moves) moves.add(kind);
    } catch (error) {
      broken = error;
    }
    expect(broken, `ERRATA_SEED=${seed} ERRATA_SEEDS=1 shows it again`).toEqual([]);
  }
  if (seeds < 1_000) return;
  // The lives that were led include every kind of end, and every kind of move.
  expect([...ends].sort()).toEqual(['cancelled', 'failed', 'gated_out', 'rejected', 'succeeded']);
  expect(unchanged).toBeGreaterThan(0);
  expect([...moves].sort()).toEqual(['created', 'edit', 'exact', 'reset']);
});

test.each(defects)('found out: %s', (defect) => {
  let caught = 0;
  for (let seed = 1; seed <= 500 && caught === 0; seed++) {
    try {
      if (found(simulate(uniform(seed, 0), defect)).length > 0) caught = seed;
    } catch {
      caught = seed;
    }
  }
  expect(caught).toBeGreaterThan(0);
});
