// Idempotency-Key on every POST: the same request sent twice is carried out once and answered twice alike.
import {
  abandonIdempotent,
  beginIdempotent,
  completeIdempotent,
  getJob,
  type IdempotencyClaim,
  type Lineage,
} from '@errata/lineage';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { callerOf } from './auth.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The right to carry this request out; null when it came without a key. Submissions bind their job to it. */
    claim: IdempotencyClaim | null;
  }
}

/** The headers of every POST. */
export const postHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('Any value, new for each request: sending the same request again with it does nothing twice'),
});

/** What is kept of an answer. */
export interface KeptAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

const keptHeaders = ['location', 'errata-version'] as const;

/** An answer in the form in which it is kept for replays. */
export function keepAnswer(reply: FastifyReply, body: unknown): KeptAnswer {
  const headers = Object.fromEntries(
    keptHeaders.flatMap((name) => {
      const value = reply.getHeader(name);
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
  return { headers, body };
}

const replayedHeader = 'idempotency-replayed';

export function registerIdempotency(app: FastifyInstance, lineage: Lineage): void {
  app.decorateRequest('claim', null);

  // After validation, so that a request which can never succeed leaves nothing.
  app.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key'];
    if (request.method !== 'POST' || typeof key !== 'string' || request.caller === null) return;
    if (request.routeOptions.config.tellsSecret === true) return;
    const outcome = await beginIdempotent(lineage, {
      owner: callerOf(request).id,
      key,
      route: `POST ${request.url}`,
      bodyDigest: request.bodyDigest,
    });
    if (outcome.kind === 'replay') return replay(reply, outcome.status, outcome.response as KeptAnswer);
    request.claim = outcome.claim;
    if (outcome.kind === 'begin') return;
    // The job was queued by a process that died before it answered: the answer is the job.
    const job = await getJob(lineage, outcome.jobId);
    return reply.header(replayedHeader, 'true').status(202).header('location', `/v1/jobs/${job.id}`).send(job);
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const { claim } = request;
    if (claim === null) return payload;
    request.claim = null;
    await settle(request, reply, payload, claim);
    return payload;
  });

  /** A failed request changed nothing, so its key is free again; the answer of one that succeeded is kept. */
  async function settle(request: FastifyRequest, reply: FastifyReply, payload: unknown, claim: IdempotencyClaim) {
    try {
      if (reply.statusCode >= 300 || typeof payload !== 'string') return await abandonIdempotent(lineage, claim);
      await completeIdempotent(lineage, claim, reply.statusCode, keepAnswer(reply, JSON.parse(payload)));
    } catch (error) {
      // The work is done and must be answered; a job stays bound to its key either way.
      request.log.error({ err: error }, 'an idempotency key could not be settled');
    }
  }
}

function replay(reply: FastifyReply, status: number, answer: KeptAnswer): FastifyReply {
  return reply
    .headers({ ...answer.headers, [replayedHeader]: 'true' })
    .status(status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(answer.body));
}
