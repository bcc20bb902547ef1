// Answers about parts that may be away: what is found before long.
import { setTimeout as sleep } from 'node:timers/promises';

/** A connection that is being mended keeps its commands waiting, and whoever asks must be answered. */
const deadlineMs = 3_000;

/** What is found before long; undefined where that fails or takes too long. */
export function inTime<T>(asked: Promise<T>): Promise<T | undefined> {
  const found = asked.catch(() => undefined);
  return Promise.race([found, sleep(deadlineMs, undefined, { ref: false })]);
}
