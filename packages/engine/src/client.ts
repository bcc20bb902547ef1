// The client of an engine process: starts it, queues calls, survives its death, replaces it when it has grown too large or fallen silent.
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ErrataError, fromPlainError, onlyShowing } from '@errata/contracts';
import type {
  EngineMethod,
  EngineProgress,
  EngineRequest,
  EngineResponse,
  ParamsOf,
  PartOf,
  ResultOf,
} from './calls/index.ts';
import { defaultMemoryMb, defaultSilenceMs, type EngineSettings } from './settings.ts';

export interface CallOptions<Part = never> {
  readonly onProgress?: (progress: EngineProgress) => void;
  /** Takes parts of the result as they come, all of them before the call ends. */
  readonly onPart?: (part: Part) => void;
  /** Aborting rejects the call with the signal's reason at once; the process gets a moment to stop by itself. */
  readonly signal?: AbortSignal;
  /** Longest time from the moment the call is made. */
  readonly timeoutMs?: number;
}

/** A handle on one engine process at a time. Calls run one after another, in the order in which they were made. */
export interface EngineClient {
  /**
   * @throws ErrataError what the method throws; `engine_crashed` when the process ends during the call, or is killed because it
   * fell silent (the next call gets a new one), `insufficient_memory`, `timeout`, `unavailable` after {@link EngineClient.stop}
   */
  call<M extends EngineMethod>(method: M, params: ParamsOf<M>, options?: CallOptions<PartOf<M>>): Promise<ResultOf<M>>;
  /** Resident memory of the process in bytes; 0 while there is none. */
  rss(): number;
  /** The process's id; `undefined` while there is none. */
  pid(): number | undefined;
  /** Ends the process and rejects what is waiting. Never rejects; calling it again is harmless. */
  stop(): Promise<void>;
}

export interface ClientOptions {
  /** Gets what the process writes to its standard error, by line. */
  readonly onLog?: (line: string) => void;
  /**
   * Longest time for which a process may work on a call without a sign of life, in ms; then it is killed.
   * @defaultValue {@link defaultSilenceMs}
   */
  readonly silenceMs?: number;
}

interface Pending {
  readonly id: number;
  readonly method: EngineMethod;
  readonly params: unknown;
  readonly onProgress: (progress: EngineProgress) => void;
  readonly onPart: (part: unknown) => void;
  /** Settles the caller's promise; only the first call counts. */
  readonly settle: (outcome: { readonly value: unknown } | { readonly error: unknown }) => void;
  abandoned: boolean;
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  readonly stderr: () => string;
  rss: number;
  /** Looks in a row at which it was working and had not been heard since the one before; below 0 while it is being started. */
  unheard: number;
}

/** A process that was asked to give up a call gets this long before it is killed: one run of a graph cannot be interrupted. */
const cancelGraceMs = 2000;
/** Looks for which a process must not be heard until it counts as silent. */
const looksOfSilence = 5;
/** A process that is being started may be silent for so long besides, in ms: on a busy machine that takes a while. */
const startMs = 120_000;
const stderrKept = 4096;

/** Prepares a client; the process itself starts with the first call. */
export function startEngine(settings: EngineSettings, options: ClientOptions = {}): EngineClient {
  const budget = (settings.memoryMb ?? defaultMemoryMb) * 2 ** 20;
  const silenceMs = options.silenceMs ?? defaultSilenceMs;
  const lookMs = silenceMs / looksOfSilence;
  const waiting: Pending[] = [];
  let running: Running | null = null;
  let current: Pending | null = null;
  let stopped = false;
  let nextId = 1;

  const ensure = (): Running => {
    running ??= spawn(settings, options, -Math.ceil(startMs / lookMs), {
      onMessage: (from, message) => {
        if (from === running) receive(from, message);
      },
      onExit: (from, reason) => {
        if (from === running) lose(reason);
      },
    });
    return running;
  };

  /** The process is gone: its call fails, the next one gets a new process. */
  const lose = (reason: ExitReason): void => {
    const stderr = running?.stderr() ?? '';
    const silent = running !== null && running.unheard >= looksOfSilence;
    running = null;
    const lost = current;
    current = null;
    lost?.settle({ error: silent ? silenceError(lost.method, silenceMs) : crashError(lost.method, reason, stderr) });
    advance();
  };

  /**
   * Counted in looks instead of read off a clock: whoever was frozen together with the process looks once when both go on, and has
   * heard it by the next look.
   */
  const look = (): void => {
    if (current === null || running === null) return;
    running.unheard += 1;
    if (running.unheard >= looksOfSilence) running.child.kill('SIGKILL');
  };
  const looking = setInterval(look, lookMs).unref();

  /** Ends a process that nobody waits for. At once: what it stores, it stores whole or not at all. */
  const retire = (process: Running): void => {
    if (running === process) running = null;
    process.child.kill('SIGKILL');
  };

  const receive = (from: Running, message: EngineResponse): void => {
    from.rss = message.rss;
    from.unheard = 0;
    if (current === null || message.id !== current.id || message.type === 'alive') return;
    if (message.type === 'progress') {
      if (!current.abandoned) current.onProgress(message.progress);
      return;
    }
    if (message.type === 'part') {
      if (!current.abandoned) current.onPart(message.part);
      return;
    }
    const answered = current;
    current = null;
    if (message.type === 'recycle') {
      retire(from);
      if (!answered.abandoned) waiting.unshift(answered);
    } else {
      answered.settle(message.type === 'result' ? { value: message.value } : { error: fromPlainError(message.error) });
      if (message.rss > budget) retire(from);
    }
    advance();
  };

  const advance = (): void => {
    if (current !== null || stopped) return;
    const next = waiting.shift();
    if (next === undefined) return;
    current = next;
    const worked = ensure();
    worked.unheard = Math.min(worked.unheard, 0);
    const request: EngineRequest = { type: 'call', id: next.id, method: next.method, params: next.params };
    // A failed send means that the process is ending; its exit event settles the call.
    worked.child.send(request, () => {});
  };

  const abandon = (call: Pending, error: unknown): void => {
    call.abandoned = true;
    call.settle({ error });
    const at = waiting.indexOf(call);
    if (at >= 0) waiting.splice(at, 1);
    if (call !== current || running === null) return;
    const { child, exited } = running;
    child.send({ type: 'cancel', id: call.id } satisfies EngineRequest, () => {});
    const timer = setTimeout(() => {
      if (current === call) child.kill('SIGKILL');
    }, cancelGraceMs);
    void exited.then(() => clearTimeout(timer));
  };

  return {
    call<M extends EngineMethod>(
      method: M,
      params: ParamsOf<M>,
      { onProgress, onPart, signal, timeoutMs }: CallOptions<PartOf<M>> = {},
    ) {
      return new Promise<ResultOf<M>>((resolve, reject) => {
        if (stopped) return reject(new ErrataError('unavailable', 'the engine was stopped'));
        if (signal?.aborted) return reject(signal.reason);
        let settled = false;
        const onAbort = () => abandon(call, signal?.reason);
        const timer =
          timeoutMs === undefined
            ? undefined
            : setTimeout(
                () => abandon(call, new ErrataError('timeout', `${method} took longer than ${timeoutMs} ms`)),
                timeoutMs,
              );
        const call: Pending = {
          id: nextId++,
          method,
          params,
          onProgress: onlyShowing(onProgress),
          onPart: (part) => onPart?.(part as PartOf<M>),
          abandoned: false,
          settle(outcome) {
            if (settled) return;
            settled = true;
            clearTimeout(timer);
            signal?.removeEventListener('abort', onAbort);
            if ('error' in outcome) reject(outcome.error);
            else resolve(outcome.value as ResultOf<M>);
          },
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        waiting.push(call);
        advance();
      });
    },

    rss: () => (running === null ? 0 : (residentBytes(running.child.pid) ?? running.rss)),
    pid: () => running?.child.pid,

    async stop() {
      stopped = true;
      clearInterval(looking);
      const left = [...(current === null ? [] : [current]), ...waiting.splice(0)];
      for (const call of left) call.settle({ error: new ErrataError('unavailable', 'the engine was stopped') });
      const last = running;
      if (last === null) return;
      retire(last);
      await last.exited;
    },
  };
}

interface ExitReason {
  readonly code: number | null;
  readonly signal: string | null;
}

interface Listeners {
  readonly onMessage: (from: Running, message: EngineResponse) => void;
  readonly onExit: (from: Running, reason: ExitReason) => void;
}

function spawn(settings: EngineSettings, { onLog }: ClientOptions, unheard: number, listeners: Listeners): Running {
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

function crashError(method: EngineMethod, { code, signal }: ExitReason, stderr: string): ErrataError {
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  return new ErrataError('engine_crashed', `the engine process ended ${how} during ${method}`, {
    details: { method, exit_code: code, signal, ...(stderr === '' ? {} : { stderr }) },
  });
}

const silenceError = (method: EngineMethod, silenceMs: number): ErrataError =>
  new ErrataError(
    'engine_crashed',
    `the engine process gave no sign of life for ${silenceMs} ms during ${method}, and was killed`,
    {
      details: { method, silence_ms: silenceMs },
    },
  );

/** Resident bytes as the kernel counts them; `undefined` where there is no /proc. */
function residentBytes(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
