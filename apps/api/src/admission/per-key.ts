// What one API key may have under way at once: bytes of bodies, jobs that have not ended, open event streams.
import type { Readable } from 'node:stream';
import { ErrataError, type ErrorCode } from '@errata/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { accepted } from '../http/answers.ts';
import { callerOf } from './auth.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route queues a job. Known of those that answer with {@link accepted}; others say so. */
    queues?: boolean;
  }
}

export interface KeyLimits {
  /** Jobs that have not ended; 0 for no limit. Requests that come at the same moment may each find room for one. */
  readonly jobsPerKey: number;
  /** Event streams to one API process; 0 for no limit. */
  readonly streamsPerKey: number;
  /** Bytes of bodies that are being sent or worked on. */
  readonly bytesPerKey: number;
}

export interface KeyBounds {
  /** Counts a stream until it closes. @throws ErrataError `too_many_streams` */
  admitStream(request: FastifyRequest, open: () => Readable): Readable;
}

/** Register it behind authentication and idempotency: what is replayed takes no room. */
export function boundKeys(
  app: FastifyInstance,
  { jobsPerKey, streamsPerKey, bytesPerKey }: KeyLimits,
  countOpenJobs: (keyId: string) => Promise<number>,
): KeyBounds {
  app.addHook('onRoute', (route) => {
    const answers = route.schema?.response as Readonly<Record<number, unknown>> | undefined;
    if (answers?.[202] === accepted[202]) route.config = { ...route.config, queues: true };
  });

  const bytes = createTally();
  app.addHook('onRequest', async (request, reply) => {
    if (request.caller === null) return;
    const announced = Number(request.headers['content-length'] ?? 0);
    const chunked = request.headers['transfer-encoding'] !== undefined;
    const size = chunked ? request.routeOptions.bodyLimit : Math.min(announced, request.routeOptions.bodyLimit);
    if (bytes.of(request.caller.id) + size > bytesPerKey)
      throw refused('rate_limited', `this key may send ${bytesPerKey} bytes of bodies at once`, 1);
    const release = bytes.add(request.caller.id, size);
    reply.raw.once('close', release);
  });

  app.addHook('preHandler', async (request) => {
    if (jobsPerKey === 0 || request.routeOptions.config.queues !== true) return;
    const open = await countOpenJobs(callerOf(request).id);
    if (open >= jobsPerKey)
      throw refused('too_many_jobs', `this key has ${open} jobs that have not ended; ${jobsPerKey} are allowed`, 10);
  });

  const streams = createTally();
  return {
    admitStream(request, open) {
      const { id } = callerOf(request);
      if (streamsPerKey > 0 && streams.of(id) >= streamsPerKey)
        throw refused('too_many_streams', `this key has ${streamsPerKey} event streams open, and may have no more`, 10);
      const stream = open();
      stream.once('close', streams.add(id, 1));
      return stream;
    },
  };
}

const refused = (code: ErrorCode, message: string, retry_after_seconds: number): ErrataError =>
  new ErrataError(code, message, { details: { retry_after_seconds } });

/** Sums by key, of which nothing is kept once they are back at zero. */
function createTally() {
  const sums = new Map<string, number>();
  const change = (key: string, by: number): void => {
    const sum = (sums.get(key) ?? 0) + by;
    if (sum === 0) sums.delete(key);
    else sums.set(key, sum);
  };
  return {
    of: (key: string): number => sums.get(key) ?? 0,
    /** Returns what takes it back, once. */
    add(key: string, by: number): () => void {
      change(key, by);
      let back = false;
      return () => {
        if (!back) change(key, -by);
        back = true;
      };
    },
  };
}
