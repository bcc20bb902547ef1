// The face of @errata/contracts: schemas and catalogues shared by API, SDK, CLI, worker and engine.
export * from './canonical.ts';
export * from './costs.ts';
export * from './cron.ts';
export * from './editor-configs.ts';
export * from './edits.ts';
export * from './errors.ts';
export * from './evaluation-merge.ts';
export * from './evaluation-rows.ts';
export * from './evaluations.ts';
export * from './failpoint.ts';
export * from './gate.ts';
export * from './inbox.ts';
export * from './manifest.ts';
export * from './resources.ts';
export * from './results.ts';
export * from './schedules.ts';
export * from './states.ts';
