// The face of @errata/api: the server for those who start it in their own process, and the settings it reads.
export type { ApiLimits, ApiParts } from './parts.ts';
export { buildServer, type ServerOptions } from './server.ts';
export { type ApiSettings, readSettings } from './settings.ts';
export { type RunningApi, startApi } from './start.ts';
