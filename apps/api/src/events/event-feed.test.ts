// One look serves every stream that waits; a failed look is tried again; nobody waits for ever on a signal.
import { expect, test } from 'vitest';
import { createEventFeed } from './event-feed.ts';

test('wakes those whose job has news, leaves the others, and survives a failed look', async () => {
  const newest = new Map<string, number>([['a', 1]]);
  const errors: unknown[] = [];
  let looks = 0;
  const feed = createEventFeed(
    async (jobIds) => {
      looks += 1;
      if (looks === 1) throw new Error('no connection');
      if (looks === 3) newest.set('b', 7);
      return new Map([...newest].filter(([id]) => jobIds.includes(id)));
    },
    { pollMs: 1, onError: (error) => errors.push(error) },
  );
  const giveUp = new AbortController();
  const order: string[] = [];
  const never = feed.news('a', 1, giveUp.signal).then(() => order.push('gave up on a'));
  await Promise.all([
    feed.news('a', 0, giveUp.signal).then(() => order.push('a')),
    feed.news('b', 6, giveUp.signal).then(() => order.push('b')),
  ]);
  expect(order).toEqual(['a', 'b']);
  expect(errors).toHaveLength(1);
  giveUp.abort();
  await never;
  expect(order).toEqual(['a', 'b', 'gave up on a']);
  await feed.news('a', 9, giveUp.signal);
});
