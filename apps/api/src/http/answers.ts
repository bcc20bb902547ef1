// What several routes answer with: a page, or a queued job whose lane has been woken.
import { type JobResource, jobSchema, type Page } from '@errata/contracts';
import { laneOfJob } from '@errata/lineage';
import type { FastifyReply } from 'fastify';
import type { ApiParts } from '../parts.ts';

/** A page in the shape that its schema serialises. */
export const shown = <T>(page: Page<T>) => ({ ...page, data: [...page.data] });

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

export async function wakeLane(parts: ApiParts, reply: FastifyReply, job: JobResource): Promise<void> {
  try {
    const lane = await laneOfJob(parts.lineage, job.id);
    if (await parts.dispatch.wake(lane)) return;
    reply.log.warn({ job: job.id, lane }, 'the queue did not take the wake-up');
  } catch (error) {
    reply.log.warn({ job: job.id, err: error }, 'the lane could not be woken');
  }
}
