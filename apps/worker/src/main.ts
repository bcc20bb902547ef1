// The worker process: settings from the environment, logs as JSON lines, a graceful end on SIGTERM or SIGINT.
import { ErrataError, toPlainError } from '@errata/contracts';
import { reportToStarter } from '@errata/host';
import { startTracing } from '@errata/tracing';
import { pino } from 'pino';
import { readSettings, type WorkerSettings } from './settings.ts';
import { startWorker, type Worker } from './worker.ts';

const complain = (error: unknown): void => {
  const known = error instanceof ErrataError;
  const text = known ? `${error.code}: ${error.message}` : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`errata-worker: ${text}\n`);
};

let settings: WorkerSettings;
try {
  settings = readSettings(process.env);
} catch (error) {
  settings = await refuse(error, 2);
}

const log = pino({
  name: 'errata-worker',
  level: settings.logLevel,
  serializers: { error: describe },
  timestamp: pino.stdTimeFunctions.isoTime,
});

let worker: Worker | undefined;
let stopTracing: (() => Promise<void>) | undefined;
let ending = false;
const end = async (signal: string): Promise<void> => {
  // Asked twice: at once. What was running is picked up again when its lease ends.
  if (ending) process.exit(1);
  ending = true;
  log.info({ signal }, 'stopping');
  await worker?.stop();
  await stopTracing?.();
  log.info('stopped');
  process.exit(0);
};
process.on('SIGTERM', (signal) => void end(signal));
process.on('SIGINT', (signal) => void end(signal));
// Started by another process that is gone: end with it.
process.once('disconnect', () => void end('disconnect'));
// A defect of ours: better to start afresh than to go on in an unknown state.
process.on('unhandledRejection', (error) => {
  log.fatal({ error }, 'a promise was rejected and nobody looked');
  process.exit(1);
});

try {
  stopTracing = await startTracing('errata-worker');
  worker = await startWorker(settings, log);
  void worker.drained.then(() => end('drain'));
  await reportToStarter({ ready: true });
} catch (error) {
  await refuse(error, 1);
}

/** Says why it has not begun, and ends. */
async function refuse(error: unknown, code: number): Promise<never> {
  complain(error);
  await reportToStarter({ refused: toPlainError(error) });
  process.exit(code);
}

/** Errors in logs: expected ones without a stack, others with it and with what caused them. */
function describe(error: unknown): unknown {
  if (error instanceof ErrataError) {
    const { code, message, details, cause } = error;
    return { code, message, details, ...(cause === undefined ? {} : { cause: describe(cause) }) };
  }
  return error instanceof Error ? { message: error.message, stack: error.stack } : error;
}
