// The face of @errata/host: what a process has to do with the machine it runs on, its files and whoever started it.
export * from './file-kinds.ts';
export * from './process-reports.ts';
export * from './regular-files.ts';
