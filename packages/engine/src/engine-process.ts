// An engine process as its parent has it: started, listened to, and how it ended in words.
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ErrataError } from '@errata/contracts';
import type { EngineMethod, EngineResponse } from './calls/index.ts';
import type { EngineSettings } from './settings.ts';

const stderrKept = 4096;

export interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  readonly stderr: () => string;
  rss: number;
  /** Looks in a row at which it was working and had not been heard since the one before; below 0 while it is being started. */
  unheard: number;
}

export interface ExitReason {
  readonly code: number | null;
  readonly signal: string | null;
}

interface Listeners {
  readonly onMessage: (from: Running, message: EngineResponse) => void;
  readonly onExit: (from: Running, reason: ExitReason) => void;
}

/**
 * Starts a process.
 * @param unheard looks for which it may be silent while it starts, below 0
 */
export function spawn(
  settings: EngineSettings,
  onLog: ((line: string) => void) | undefined,
  unheard: number,
  listeners: Listeners,
): Running {
  const child = fork(fileURLToPath(new URL('../bin/engine.js', import.meta.url)), [JSON.stringify(settings)], {
    execArgv: [],
    serialization: 'advanced',
    env: environmentOf(settings),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  let line = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrKept);
    if (onLog === undefined) return;
    const lines = (line + text).split('\n');
    line = lines.pop() ?? '';
    for (const whole of lines) onLog(whole);
  });
  let hasExited = () => {};
  const running: Running = {
    child,
    exited: new Promise((resolve) => {
      hasExited = resolve;
    }),
    stderr: () => stderr,
    rss: 0,
    unheard,
  };
  const ended = (reason: ExitReason) => {
    hasExited();
    listeners.onExit(running, reason);
  };
  // A child whose channel this side has closed exits without a `close` (seen on Node 20): the channel's end is never counted.
  child.on('exit', () => hasExited());
  child.on('message', (message) => listeners.onMessage(running, message as EngineResponse));
  // `close` comes after the last of its standard error, so that a crash can be told with its words.
  child.on('close', (code, signal) => ended({ code, signal }));
  child.on('error', () => ended({ code: null, signal: null }));
  return running;
}

/** The numerical runtime reads its settings from the environment. */
const environmentOf = ({ provider, threads }: EngineSettings): NodeJS.ProcessEnv => ({
  ...process.env,
  ...(provider !== undefined && { ERRATA_PROVIDER: provider }),
  ...(threads !== undefined && { ERRATA_THREADS: String(threads) }),
});

export function crashError(method: EngineMethod, { code, signal }: ExitReason, stderr: string): ErrataError {
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  return new ErrataError('engine_crashed', `the engine process ended ${how} during ${method}`, {
    details: { method, exit_code: code, signal, ...(stderr === '' ? {} : { stderr }) },
  });
}

export const silenceError = (method: EngineMethod, silenceMs: number): ErrataError =>
  new ErrataError(
    'engine_crashed',
    `the engine process gave no sign of life for ${silenceMs} ms during ${method}, and was killed`,
    {
      details: { method, silence_ms: silenceMs },
    },
  );

/** Resident bytes as the kernel counts them; `undefined` where there is no /proc. */
export function residentBytes(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
