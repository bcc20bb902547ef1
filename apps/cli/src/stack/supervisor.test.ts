// What is kept running: real processes that die at once, again and again, that cannot be started, and that are stopped at any moment.
import { spawn } from 'node:child_process';
import { untilReady } from '@errata/local-services';
import { expect, test } from 'vitest';
import { type Program, supervise } from './supervisor.ts';

const pace = { firstMs: 5, longestMs: 40, healthyMs: 600_000 };
const nobody = new AbortController().signal;

/** Runs a script; it is ready as soon as it says something. */
const node =
  (script: string, onStart: (pid: number) => void = () => {}): Program['start'] =>
  (signal) => {
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    onStart(child.pid ?? 0);
    const ready = new Promise((resolve) => child.stdout.once('data', resolve));
    return untilReady(child, { name: 'it', ready, signal, stopWith: 'SIGTERM', killWith: 'SIGKILL' });
  };

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a program that dies at once is started again and again, with pauses that grow to the longest, and each is said', async () => {
  const said: string[] = [];
  let starts = 0;
  const start = node("process.stdout.write('up', () => process.exit(3))", () => starts++);
  const kept = await supervise({ name: 'it', start }, (line) => said.push(line), nobody, pace);
  await expect.poll(() => starts, { timeout: 60_000 }).toBeGreaterThan(8);
  await kept.stop();
  expect(said.slice(0, 3)).toEqual(['it ended (exit code 3)', 'starting it again in 0.005 s', 'it is up again']);
  const pauses = said.flatMap((line) => /again in (\S+) s/.exec(line)?.[1] ?? []);
  expect(pauses.slice(0, 6)).toEqual(['0.005', '0.01', '0.02', '0.04', '0.04', '0.04']);
  const after = starts;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(starts).toBe(after);
});

test('one that cannot be started at first is an error, and later is tried until it can', async () => {
  const broken = { name: 'it', start: node('process.exit(7)') };
  await expect(supervise(broken, () => {}, nobody, pace)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'it could not be started: it ended (exit code 7) before it was ready',
  });
  const said: string[] = [];
  const pids: number[] = [];
  const script = () => (pids.length === 1 || pids.length > 4 ? '' : 'process.exit(7);');
  const start: Program['start'] = (signal) => {
    pids.push(0);
    return node(`${script()} console.log('up'); setInterval(() => {}, 1000)`, (pid) => pids.splice(-1, 1, pid))(signal);
  };
  const kept = await supervise({ name: 'it', start }, (line) => said.push(line), nobody, pace);
  process.kill(pids[0]!, 'SIGKILL');
  await expect.poll(() => said.at(-1), { timeout: 60_000 }).toBe('it is up again');
  expect(said.filter((line) => line.includes('could not be started')).length).toBe(3);
  await kept.stop();
  expect(pids.some(isAlive)).toBe(false);
});

test('a start that is broken off leaves nothing, and neither does a stop in the middle of a restart', async () => {
  const pids: number[] = [];
  const silent = 'setInterval(() => {}, 1000)';
  const interrupted = new AbortController();
  const starting = supervise(
    { name: 'it', start: node(silent, (pid) => pids.push(pid)) },
    () => {},
    interrupted.signal,
    pace,
  );
  interrupted.abort(new Error('enough'));
  await expect(starting).rejects.toThrow('enough');

  const start: Program['start'] = (signal) =>
    node(pids.length === 1 ? `console.log('up'); ${silent}` : silent, (pid) => pids.push(pid))(signal);
  const kept = await supervise({ name: 'it', start }, () => {}, nobody, pace);
  process.kill(pids[1]!, 'SIGKILL');
  await expect.poll(() => pids.length, { timeout: 60_000 }).toBe(3);
  await kept.stop();
  expect(pids.some(isAlive)).toBe(false);
});

test('one that does not want to stop is killed by whoever cannot wait', async () => {
  let pid = 0;
  const stubborn = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)";
  const start = node(stubborn, (started) => {
    pid = started;
  });
  const kept = await supervise({ name: 'it', start }, () => {}, nobody, pace);
  const stopping = kept.stop();
  kept.kill();
  await stopping;
  expect(isAlive(pid)).toBe(false);
});
