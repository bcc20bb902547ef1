// The engine process: answers the calls that it is sent, reports progress, and ends when its parent does.
import { ErrataError } from '@errata/contracts';
import { inSpan, startTracing } from '@errata/tracing';
import type { EngineMethod, EngineProgress, EngineRequest, EngineResponse, ParamsOf } from './calls/index.ts';
import { describeError } from './errors.ts';
import { NeedsFreshProcess } from './models/model-store.ts';
import { createService } from './service.ts';
import type { EngineSettings } from './settings.ts';

// The reply is a variant of the union without the field that all but one have.
type Reply<R = Exclude<EngineResponse, { type: 'parts' }>> = R extends EngineResponse ? Omit<R, 'rss'> : never;

// Progress is worth a message a few times a second, not a thousand times.
const progressIntervalMs = 100;
/** Not on a thread of its own: it is to say that this one gets on. */
const aliveIntervalMs = 1000;

/** It is killed without a word when it is no longer needed. */
const spansLeaveMs = 200;

const settings = JSON.parse(process.argv[2] ?? '{}') as EngineSettings;
const service = startTracing('errata-engine', { delayMs: spansLeaveMs }).then(() => createService(settings));
// Whoever calls first is told why it could not start.
service.catch(() => {});
const cancelled = new Map<number, AbortController>();

const post = (message: EngineResponse): void => {
  if (process.connected) process.send?.(message, () => {});
};
const send = (message: Reply): void => post({ ...message, rss: process.memoryUsage.rss() } as EngineResponse);

/** Parts of answers that were written in one step of a batch leave in one message. */
const parts: { id: number; part: unknown }[] = [];
const sendParts = (): void => {
  if (parts.length > 0) post({ type: 'parts', parts: parts.splice(0) });
};
const addPart = (id: number, part: unknown): void => {
  // Before anything is run again, which blocks.
  if (parts.push({ id, part }) === 1) queueMicrotask(sendParts);
};

process.on('disconnect', () => process.exit(0));
process.on('message', (request: EngineRequest) => {
  if (request.type === 'cancel') cancelled.get(request.id)?.abort(new ErrataError('unavailable', 'cancelled'));
  else void answer(request);
});

async function answer({ id, method, params, traceparent }: Extract<EngineRequest, { type: 'call' }>): Promise<void> {
  const controller = new AbortController();
  cancelled.set(id, controller);
  const alive = setInterval(() => send({ type: 'alive', id }), aliveIntervalMs);
  let last = { at: 0, stage: '' };
  const onProgress = (progress: EngineProgress): void => {
    const now = Date.now();
    const worthTelling = progress.stage !== last.stage || progress.done >= progress.total;
    if (!worthTelling && now - last.at < progressIntervalMs) return;
    last = { at: now, stage: progress.stage };
    send({ type: 'progress', id, progress });
  };
  try {
    const { call } = await service;
    const work = () =>
      call(method, params as ParamsOf<EngineMethod>, {
        onProgress,
        onPart: (part: unknown) => addPart(id, part),
        signal: controller.signal,
      });
    const value = await (traceparent === undefined
      ? work()
      : inSpan(`engine ${method}`, { kind: 'server', parent: traceparent }, work));
    sendParts();
    send({ type: 'result', id, value });
  } catch (error) {
    sendParts();
    if (error instanceof NeedsFreshProcess) send({ type: 'recycle', id });
    else send({ type: 'error', id, error: describeError(error) });
  } finally {
    clearInterval(alive);
    cancelled.delete(id);
  }
}
