// A program as a process of ours: awaited until it is ready, ended kindly or at once, and never left behind half-started.
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RunningProcess {
  /** The signal or exit code that ended it, whoever sent it. */
  readonly ended: Promise<string>;
  /** Asks it to end, insists after a while, and waits until it has. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would, and waits until it has. */
  kill(): Promise<void>;
}

export interface ProcessOptions {
  readonly name: string;
  /** Resolves once it can be used, rejects where it says why it cannot. */
  readonly ready: Promise<unknown>;
  /** Nobody wants it any more: what was started is ended. */
  readonly signal?: AbortSignal | undefined;
  /** What asks it to end. */
  readonly stopWith: NodeJS.Signals;
  /** What ends it at once. */
  readonly killWith: NodeJS.Signals;
  /** What it has said so far; the end of that is in the message when it does not become ready. */
  readonly said?: () => string;
  /** Where more is told of it. */
  readonly log?: string;
}

const readyDeadlineMs = 120_000;
const stopGraceMs = 12_000;
const killGraceMs = 5_000;
/** What a process has said last is read; but children of its own may keep its pipes open. */
const lastWordsMs = 200;

/** Resolves once the process is ready. Rejects, with nothing of it left running, when it ended before, or was not ready in time. */
export async function untilReady(child: ChildProcess, options: ProcessOptions): Promise<RunningProcess> {
  const { name, ready, signal, said, log } = options;
  const running = watched(child, options);
  const why = () => {
    const lastLines = said?.().trim().split('\n').slice(-3).join('\n') ?? '';
    return `${lastLines === '' ? '' : `: ${lastLines}`}${log === undefined ? '' : `; its log is ${log}`}`;
  };
  const settled = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason), { signal: settled.signal });
  });
  const late = sleep(readyDeadlineMs, undefined, { signal: settled.signal }).then(() => {
    throw new Error(`${name} was not ready after ${readyDeadlineMs / 1000} s${why()}`);
  });
  const ended = running.ended.then((how) => {
    throw new Error(`${name} ended (${how}) before it was ready${why()}`);
  });
  for (const loser of [late, ended]) loser.catch(() => {});
  try {
    await Promise.race([ready, ended, aborted, late]);
    return running;
  } catch (error) {
    await running.kill();
    throw error;
  } finally {
    settled.abort();
  }
}

function watched(child: ChildProcess, { stopWith, killWith }: ProcessOptions): RunningProcess {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let over = false;
  const ended = new Promise<string>((resolve) => {
    child.once('exit', async (code, signal) => {
      over = true;
      await Promise.race([closed, sleep(lastWordsMs)]);
      resolve(signal ?? `exit code ${code}`);
    });
    child.once('error', (error) => {
      // It may have been started all the same: a signal that could not be sent is told in the same way.
      if (child.pid !== undefined) return;
      over = true;
      resolve(error.message);
    });
  });
  const end = async (signals: readonly (readonly [NodeJS.Signals, number])[]) => {
    for (const [signal, graceMs] of signals) {
      if (over) break;
      child.kill(signal);
      await within(ended, graceMs);
    }
    await ended;
  };
  const atOnce = [
    [killWith, killGraceMs],
    ['SIGKILL', killGraceMs],
  ] as const;
  return { ended, stop: () => end([[stopWith, stopGraceMs], ...atOnce]), kill: () => end(atOnce) };
}

/** Waits for something, but not longer than so long. */
async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, sleep(ms, undefined, { signal: done.signal }).catch(() => {})]);
  done.abort();
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** How a process was called, for telling it from another that got its number later; undefined where the system does not say. */
export function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return undefined;
  }
}
