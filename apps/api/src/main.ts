// The API process: settings from the environment, a server, a clean end on SIGINT and SIGTERM.
import { ErrataError, type ProcessReport, toPlainError } from '@errata/contracts';
import { readSettings } from './settings.ts';
import { createLog, startApi } from './start.ts';

const tell = (report: ProcessReport) =>
  new Promise<void>((told) => (process.send === undefined ? told() : process.send(report, () => told())));

try {
  const settings = readSettings(process.env);
  const log = createLog(settings);
  const api = await startApi(settings, log);
  log.info({ url: api.url }, 'ready');
  const stop = (signal: NodeJS.Signals) => {
    log.info({ signal }, 'closing');
    void api.close().then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  // Started by another process: end with it.
  process.once('disconnect', () => stop('SIGTERM'));
  await tell({ ready: api.url });
} catch (error) {
  if (!(error instanceof ErrataError)) throw error;
  console.error(`errata-api: ${error.message}`);
  await tell({ refused: toPlainError(error) });
  process.exit(1);
}
