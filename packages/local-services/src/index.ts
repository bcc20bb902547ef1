// The face of @errata/local-services: a private PostgreSQL and a private Redis for one machine with nothing installed, and what processes of ours share.
export { freePort } from './free-port.ts';
export { type Server, startPostgres } from './postgres.ts';
export { privateFolder } from './private-folder.ts';
export { findRedisServer, startRedis } from './redis.ts';
export { commandOf, isAlive, type RunningProcess, untilReady } from './running-process.ts';
