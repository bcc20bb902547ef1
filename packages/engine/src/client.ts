// The client of an engine process: starts it, queues calls, survives its death, replaces it when it has grown too large or fallen silent.
import { ErrataError, fromPlainError, onlyShowing } from '@errata/contracts';
import { currentTraceparent } from '@errata/tracing';
import type {
  EngineMethod,
  EngineProgress,
  EngineRequest,
  EngineResponse,
  ParamsOf,
  PartOf,
  ResultOf,
} from './calls/index.ts';
import { crashError, type ExitReason, type Running, residentBytes, silenceError, spawn } from './engine-process.ts';
import { budgetOf, defaultSilenceMs, type EngineSettings } from './settings.ts';

export interface CallOptions<Part = never> {
  readonly onProgress?: (progress: EngineProgress) => void;
  /** Takes parts of the result as they come, all of them before the call ends. */
  readonly onPart?: (part: Part) => void;
  /** Aborting rejects the call with the signal's reason at once; the process gets a moment to stop by itself. */
  readonly signal?: AbortSignal;
  /** Longest time from the moment the call is made. */
  readonly timeoutMs?: number;
}

/**
 * A handle on one engine process at a time. Calls begin in the order in which they were made, and run one after another, but for those of
 * {@link sharedMethods}: as many of these as are asked for run side by side.
 */
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
  readonly traceparent: string | undefined;
  readonly onProgress: (progress: EngineProgress) => void;
  readonly onPart: (part: unknown) => void;
  /** Settles the caller's promise; only the first call counts. */
  readonly settle: (outcome: { readonly value: unknown } | { readonly error: unknown }) => void;
  abandoned: boolean;
}

/** Methods of engines that serve: they take turns by themselves, between two steps of the batch that all completions are in. */
const sharedMethods: readonly EngineMethod[] = ['complete', 'snapshot', 'keepWarm'];

const isShared = ({ method }: Pending): boolean => sharedMethods.includes(method);

/** A process that was asked to give up a call gets this long before it is killed: one run of a graph cannot be interrupted. */
const cancelGraceMs = 2000;
/** Looks for which a process must not be heard until it counts as silent. */
const looksOfSilence = 5;
/** A process that is being started may be silent for so long besides, in ms: on a busy machine that takes a while. */
const startMs = 120_000;

/** Prepares a client; the process itself starts with the first call. */
export function startEngine(settings: EngineSettings, options: ClientOptions = {}): EngineClient {
  const budget = budgetOf(settings).memoryMb * 2 ** 20;
  const silenceMs = options.silenceMs ?? defaultSilenceMs;
  const lookMs = silenceMs / looksOfSilence;
  const waiting: Pending[] = [];
  const inFlight = new Map<number, Pending>();
  let running: Running | null = null;
  /** Whether the process takes no further calls and is replaced as soon as it has none. */
  let leaving = false;
  let stopped = false;
  let nextId = 1;

  const ensure = (): Running => {
    running ??= spawn(settings, options.onLog, -Math.ceil(startMs / lookMs), {
      onMessage: (from, message) => {
        if (from === running) receive(from, message);
      },
      onExit: (from, reason) => {
        if (from === running) lose(reason);
      },
    });
    return running;
  };

  /** The process is gone: its calls fail, the next one gets a new process. */
  const lose = (reason: ExitReason): void => {
    const stderr = running?.stderr() ?? '';
    const silent = running !== null && running.unheard >= looksOfSilence;
    running = null;
    leaving = false;
    const lost = [...inFlight.values()];
    inFlight.clear();
    for (const { method, settle } of lost)
      settle({ error: silent ? silenceError(method, silenceMs) : crashError(method, reason, stderr) });
    advance();
  };

  /**
   * Counted in looks instead of read off a clock: whoever was frozen together with the process looks once when both go on, and has
   * heard it by the next look.
   */
  const look = (): void => {
    if (inFlight.size === 0 || running === null) return;
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
    from.unheard = 0;
    if (message.type === 'parts') {
      for (const { id, part } of message.parts) {
        const call = inFlight.get(id);
        if (call !== undefined && !call.abandoned) call.onPart(part);
      }
      return;
    }
    from.rss = message.rss;
    const call = inFlight.get(message.id);
    if (call === undefined || message.type === 'alive') return;
    if (message.type === 'progress') {
      if (!call.abandoned) call.onProgress(message.progress);
      return;
    }
    inFlight.delete(call.id);
    if (message.type === 'recycle') {
      leaving = true;
      if (!call.abandoned) putBack(call);
    } else {
      call.settle(message.type === 'result' ? { value: message.value } : { error: fromPlainError(message.error) });
      leaving ||= message.rss > budget;
    }
    if (leaving && inFlight.size === 0) {
      leaving = false;
      retire(from);
    }
    advance();
  };

  /** A call that was not begun waits where it stood: before all that were made after it. */
  const putBack = (call: Pending): void => {
    const later = waiting.findIndex(({ id }) => id > call.id);
    waiting.splice(later < 0 ? waiting.length : later, 0, call);
  };

  const advance = (): void => {
    while (!stopped && !leaving) {
      const [next] = waiting;
      if (next === undefined) return;
      const besides = [...inFlight.values()];
      if (besides.length > 0 && !(isShared(next) && besides.every(isShared))) return;
      waiting.shift();
      inFlight.set(next.id, next);
      const worked = ensure();
      worked.unheard = Math.min(worked.unheard, 0);
      const { id, method, params, traceparent } = next;
      const request: EngineRequest = { type: 'call', id, method, params, traceparent };
      // A failed send means that the process is ending; its exit event settles the call.
      worked.child.send(request, () => {});
    }
  };

  const abandon = (call: Pending, error: unknown): void => {
    call.abandoned = true;
    call.settle({ error });
    const at = waiting.indexOf(call);
    if (at >= 0) waiting.splice(at, 1);
    if (!inFlight.has(call.id) || running === null) return;
    const { child, exited } = running;
    child.send({ type: 'cancel', id: call.id } satisfies EngineRequest, () => {});
    const timer = setTimeout(() => {
      // Not while it works for anybody else.
      if (inFlight.has(call.id) && [...inFlight.values()].every(({ abandoned }) => abandoned)) child.kill('SIGKILL');
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
          traceparent: currentTraceparent(),
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
      const left = [...inFlight.values(), ...waiting.splice(0)];
      for (const call of left) call.settle({ error: new ErrataError('unavailable', 'the engine was stopped') });
      const last = running;
      if (last === null) return;
      retire(last);
      await last.exited;
    },
  };
}
