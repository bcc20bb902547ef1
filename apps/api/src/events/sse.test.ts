// Many event streams at once: each has its heartbeat whatever is collected meanwhile, and leaves nothing behind when its reader goes.
import { getEventListeners, once } from 'node:events';
import type { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { collectGarbage } from '../../../../test/support/garbage.ts';
import { createEventFeed } from './event-feed.ts';
import { eventStream } from './sse.ts';

const streamsAtOnce = 200;
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

/** Streams of jobs that are running and tell nothing. */
function openStreams() {
  const closing = new AbortController();
  let looks = 0;
  const feed = createEventFeed(
    async () => {
      looks++;
      return new Map();
    },
    { pollMs: 20, onError: () => {} },
  );
  const source = { state: async () => 'running' as const, events: async () => [], refusal: async () => null };
  const open = (jobId: string) =>
    eventStream(source, { jobId, after: 0, feed, heartbeatMs: 50, closing: closing.signal });
  const streams = Array.from({ length: streamsAtOnce }, (_, index) => open(`job_${index}`));
  return { streams, closing, looks: () => looks };
}

async function heartbeats(stream: Readable, count: number): Promise<void> {
  for (let seen = 0; seen < count; ) {
    const [chunk] = await once(stream, 'data');
    if (String(chunk) === ': heartbeat\n\n') seen++;
  }
}

test('every stream has its heartbeat, again and again; when all readers have gone nothing is left', async () => {
  const before = timers();
  const { streams, closing, looks } = openStreams();
  const garbage = collectGarbage();
  await Promise.all(streams.map((stream) => heartbeats(stream, 5)));
  for (const stream of streams) stream.destroy();
  // The feed looks no more once nobody waits.
  await expect
    .poll(async () => {
      const then = looks();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return looks() - then;
    })
    .toBe(0);
  garbage.stop();
  expect(getEventListeners(closing.signal, 'abort')).toHaveLength(0);
  await expect.poll(timers).toBeLessThanOrEqual(before);
});

test('when the server closes, every stream ends', async () => {
  const { streams, closing } = openStreams();
  const garbage = collectGarbage();
  await Promise.all(streams.map((stream) => heartbeats(stream, 1)));
  const ended = streams.map((stream) => once(stream, 'end'));
  closing.abort();
  await Promise.all(ended);
  garbage.stop();
  expect(getEventListeners(closing.signal, 'abort')).toHaveLength(0);
});
