// Time limits that nobody else holds fire all the same, and what was followed is let go of.
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { collectGarbage } from '../../../../test/support/garbage.ts';
import { withSignal } from './with-signal.ts';

/** Waits for a signal, and holds nothing of it but a listener. */
const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => signal.addEventListener('abort', () => resolve(signal.reason), { once: true }));
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test('a thousand limits that nobody holds are over in time, whatever is collected meanwhile', async () => {
  const garbage = collectGarbage();
  const closing = new AbortController();
  const reasons = await Promise.all(
    Array.from({ length: 1000 }, () => withSignal({ follow: [closing.signal], timeoutMs: 200 }, aborted)),
  );
  garbage.stop();
  expect(reasons.map((reason) => (reason as Error).name)).toEqual(Array(1000).fill('TimeoutError'));
  expect(getEventListeners(closing.signal, 'abort')).toHaveLength(0);
});

test('it aborts with what it follows, for its reason, at once when that has happened', async () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const following = withSignal({ follow: [undefined, one.signal, other.signal] }, aborted);
  other.abort(new Error('enough'));
  expect(await following).toMatchObject({ message: 'enough' });
  const late = await withSignal({ follow: [one.signal, other.signal] }, async ({ aborted, reason }) => [
    aborted,
    reason,
  ]);
  expect(late).toEqual([true, other.signal.reason]);
});

test('when the work is done, or has failed, no listener and no timer is left', async () => {
  const before = timers();
  const closing = new AbortController();
  const pending = Array.from({ length: 100 }, (_, index) =>
    withSignal({ follow: [closing.signal], timeoutMs: 3_600_000 }, async () => {
      await sleep(1);
      if (index % 2 === 0) throw new Error('failed');
    }),
  );
  expect(getEventListeners(closing.signal, 'abort')).toHaveLength(100);
  const ended = await Promise.allSettled(pending);
  expect(ended.filter(({ status }) => status === 'rejected')).toHaveLength(50);
  expect(getEventListeners(closing.signal, 'abort')).toHaveLength(0);
  expect(timers()).toBe(before);
});
