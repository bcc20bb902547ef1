// What the simulation of the queue takes for granted, in ms, and how each was measured.
import type { Costs } from './simulate.ts';

export const measuredCosts: Costs = {
  // npm run bench -- queue --measure 100000
  turn: 14,
  look: 4,
  // npm run bench -- service --only jobs: a job of one edit beside its model time, once it is taken
  job: 85,
  // npm run bench -- locate: r-ROME on atlas
  edit: 200,
};
