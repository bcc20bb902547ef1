// What several routes share: parameters, pages, the answer of a queued job.
import { ErrataError, type JobResource, jobSchema, type Page, pageQuerySchema, quoted } from '@errata/contracts';
import type { ModelReference } from '@errata/engine';
import { laneOfJob, type StoredModel } from '@errata/lineage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ApiParts } from '../parts.ts';

/** A path parameter: something, and not a novel. */
const piece = z.string().min(1).max(200);
export const params = <const Names extends readonly string[]>(...names: Names) =>
  z.strictObject(Object.fromEntries(names.map((name) => [name, piece])) as Record<Names[number], typeof piece>);

/** One state in a query, or several with commas between. */
export const statesOf = <S extends string>(states: readonly [S, ...S[]]) =>
  z
    .string()
    .max(400)
    .transform((text, context) => {
      const named = text.split(',');
      const stranger = named.find((name) => !states.some((state) => state === name));
      if (stranger === undefined) return named as S[];
      const message = `${stranger === '' ? 'nothing' : quoted(stranger)} is no state; there are ${states.join(', ')}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .optional()
    .describe('One state, or several with commas between');

export const pageQuery = z.strictObject(pageQuerySchema.shape);

/** A page in the shape that its schema serialises. */
export const shown = <T>(page: Page<T>) => ({ ...page, data: [...page.data] });

/** A stored model as the engine opens it. */
export const modelReference = ({ resource, files }: StoredModel): ModelReference => ({
  digest: resource.digest,
  files: files.map(({ path: name, blob: sha256, bytes: size }) => ({ name, sha256, size })),
});

export const accepted = { 202: jobSchema.describe('The job, queued; its address is in Location') };

/**
 * Answers with a queued job and wakes its lane. The job's row is the outbox: a queue that cannot be reached delays the job
 * until the reconciler looks, and does not fail the request.
 */
export async function answerQueued(
  parts: ApiParts,
  reply: FastifyReply,
  job: JobResource,
  /** The lanes to wake when they are not that of the job. */
  lanes?: readonly string[],
): Promise<FastifyReply> {
  if (lanes === undefined) await wakeLane(parts, reply, job);
  else await Promise.all(lanes.map((lane) => parts.dispatch.wake(lane)));
  return reply.status(202).header('location', `/v1/jobs/${job.id}`).send(job);
}

/** Work that is given up when the caller hangs up: the engine is for those who wait. */
export async function whileWaitedFor<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = new AbortController();
  const leave = () => {
    if (!reply.raw.writableEnded) gone.abort(new ErrataError('unavailable', 'the caller hung up'));
  };
  const { socket } = request.raw;
  if (socket.destroyed) leave();
  socket.once('close', leave);
  try {
    return await work(gone.signal);
  } finally {
    socket.off('close', leave);
  }
}

export async function wakeLane(parts: ApiParts, reply: FastifyReply, job: JobResource): Promise<void> {
  try {
    const lane = await laneOfJob(parts.lineage, job.id);
    if (await parts.dispatch.wake(lane)) return;
    reply.log.warn({ job: job.id, lane }, 'the queue did not take the wake-up');
  } catch (error) {
    reply.log.warn({ job: job.id, err: error }, 'the lane could not be woken');
  }
}
