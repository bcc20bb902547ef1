// The bucket lets a burst through, then a steady trickle, and counts each key for itself.
import { expect, test } from 'vitest';
import { createRateLimiter } from './rate-limit.ts';

test('a burst of the full allowance passes, then one request for each share of a minute', () => {
  let time = 0;
  const limiter = createRateLimiter(60, () => time);
  for (let i = 0; i < 60; i += 1) limiter.take('a');
  expect(() => limiter.take('a')).toThrow(
    expect.objectContaining({ code: 'rate_limited', details: { retry_after_seconds: 1 } }),
  );
  limiter.take('b');
  time += 1000;
  limiter.take('a');
  expect(() => limiter.take('a')).toThrow('60 requests a minute');
  time += 3_600_000;
  for (let i = 0; i < 60; i += 1) limiter.take('a');
  expect(() => limiter.take('a')).toThrow('60 requests a minute');
});

test('zero means no limit', () => {
  const limiter = createRateLimiter(0);
  for (let i = 0; i < 1000; i += 1) limiter.take('a');
});
