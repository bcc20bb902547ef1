// The face of @errata/worker.
export * from './lanes/turn.ts';
export { readSettings, type WorkerSettings } from './settings.ts';
export { startWorker, type Worker } from './worker.ts';
