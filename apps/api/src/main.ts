// The API process: settings from the environment, a server, a clean end on SIGINT and SIGTERM.
import { ErrataError, toPlainError } from '@errata/contracts';
import { reportToStarter } from '@errata/host';
import { startTracing } from '@errata/tracing';
import type { Logger } from 'pino';
import { readSettings } from './settings.ts';
import { createLog, type RunningApi, startApi } from './start.ts';

let log: Logger | undefined;
let api: RunningApi | undefined;
let stopTracing: (() => Promise<void>) | undefined;
let ending = false;
const end = async (signal: string): Promise<void> => {
  // Asked twice: at once.
  if (ending) process.exit(1);
  ending = true;
  log?.info({ signal }, 'closing');
  await api?.close();
  await stopTracing?.();
  process.exit(0);
};
process.on('SIGINT', (signal) => void end(signal));
process.on('SIGTERM', (signal) => void end(signal));
// Started by another process that is gone: end with it, also where that dies while this one starts.
process.once('disconnect', () => void end('disconnect'));

try {
  const settings = readSettings(process.env);
  log = createLog(settings);
  stopTracing = await startTracing('errata-api');
  api = await startApi(settings, log);
  log.info({ url: api.url }, 'ready');
  await reportToStarter({ ready: true });
} catch (error) {
  if (!(error instanceof ErrataError)) throw error;
  console.error(`errata-api: ${error.message}`);
  await reportToStarter({ refused: toPlainError(error) });
  process.exit(1);
}
