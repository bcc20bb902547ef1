// Costs add up, but memory does not.
import { expect, test } from 'vitest';
import { type Cost, costSchema } from '../wire/costs.ts';
import { addCosts, noCost } from './costs.ts';

const cost: Cost = {
  edits: 2,
  edit_seconds: 0.5,
  answers: 30,
  answer_seconds: 1.5,
  answer_tokens: 400,
  stored_bytes: 1024,
  peak_bytes: 5000,
};

test('pieces of a run cost what they cost together', () => {
  expect(addCosts([])).toEqual(noCost);
  expect(addCosts([cost, { ...cost, peak_bytes: 7000 }, noCost])).toEqual({
    edits: 4,
    edit_seconds: 1,
    answers: 60,
    answer_seconds: 3,
    answer_tokens: 800,
    stored_bytes: 2048,
    peak_bytes: 7000,
  });
  expect(costSchema.parse(JSON.parse(JSON.stringify(cost)))).toEqual(cost);
  expect(costSchema.safeParse({ ...cost, edits: -1 }).success).toBe(false);
});
