// The face of @errata/local-services: a private PostgreSQL and a private Redis for one machine with nothing installed.
export { freePort, type PostgresServer, startPostgres } from './postgres.ts';
export { findRedisServer, type RedisServer, startRedis } from './redis.ts';
