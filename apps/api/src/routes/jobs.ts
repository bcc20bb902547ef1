// Jobs: what became of submitted work, its events as they happen, cancelling and retrying.
import { Readable } from 'node:stream';
import {
  ErrataError,
  editRecordSchema,
  eventSchema,
  isTerminal,
  type JobResource,
  jobKinds,
  jobSchema,
  jobStates,
  nameOrIdSchema,
  pageQuerySchema,
  pageSchema,
} from '@errata/contracts';
import {
  cancelJob,
  editsOfJob,
  getBranch,
  getJob,
  getModel,
  type Lineage,
  lanesOfShards,
  listEdits,
  listEvents,
  listJobs,
  retryJob,
} from '@errata/lineage';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerFor } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import type { KeyBounds } from '../admission/per-key.ts';
import { modelsReached } from '../admission/reach.ts';
import type { EventFeed } from '../events/event-feed.ts';
import { eventStream } from '../events/sse.ts';
import { shown, wakeLane } from '../http/answers.ts';
import { toProblem } from '../http/problems.ts';
import type { Metrics } from '../metrics.ts';
import type { ApiParts } from '../parts.ts';
import { pageQuery, params, statesOf } from '../requests/parameters.ts';

const tags = ['jobs'];

export const jobQuery = z.strictObject({
  ...pageQuerySchema.shape,
  kind: z.enum(jobKinds).optional(),
  state: statesOf(jobStates),
  model: nameOrIdSchema.optional().describe('Name or id'),
  branch: nameOrIdSchema.optional().describe('Name of a branch of the model'),
  parent: nameOrIdSchema.optional().describe('Shards of this job; they are in no other list'),
});

/**
 * Names as ids; where no model is named, the models that the caller reaches.
 * @throws ErrataError `unknown_model`, `unknown_branch`; `invalid_request` for a branch of no model
 */
export async function jobFilter(
  lineage: Lineage,
  request: FastifyRequest,
  { model, branch }: { readonly model?: string | undefined; readonly branch?: string | undefined },
): Promise<{ readonly model_ids: readonly string[] | undefined; readonly branch_id: string | undefined }> {
  if (branch !== undefined && model === undefined) {
    const message = 'branch: name its model too';
    throw new ErrataError('invalid_request', `query: ${message}`, {
      errors: [{ code: 'invalid_request', field: 'branch', message }],
    });
  }
  if (model === undefined) return { model_ids: modelsReached(request), branch_id: undefined };
  const { id } = (await getModel(lineage, model)).resource;
  const branch_id = branch === undefined ? undefined : (await getBranch(lineage, id, branch)).id;
  return { model_ids: [id], branch_id };
}

/** Jobs by the filters of a query. @throws ErrataError as {@link jobFilter} */
export async function findJobs(lineage: Lineage, request: FastifyRequest, query: z.output<typeof jobQuery>) {
  const { model, branch, kind, state, parent, ...page } = query;
  const filter = await jobFilter(lineage, request, { model, branch });
  return shown(await listJobs(lineage, { ...filter, kind, states: state, parent_job_id: parent }, page));
}

/** A job that the caller may stop or repeat: it takes what submitting it took. */
async function jobToChange(lineage: Lineage, request: FastifyRequest, id: string): Promise<JobResource> {
  const job = await getJob(lineage, id);
  callerFor(request, job);
  return job;
}

export interface JobRouteOptions {
  readonly feed: EventFeed;
  readonly heartbeatMs: number;
  readonly closing: AbortSignal;
  readonly metrics: Metrics;
  readonly bounds: KeyBounds;
}

export const jobRoutes =
  (parts: ApiParts, { feed, heartbeatMs, closing, metrics, bounds }: JobRouteOptions): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage } = parts;
    const read = { access: 'models:read' } as const;

    app.get(
      '/v1/jobs',
      {
        config: { ...read, reach: 'any' },
        schema: {
          tags,
          summary: 'List jobs, newest first',
          querystring: jobQuery,
          response: { 200: pageSchema(jobSchema) },
        },
      },
      async (request) => findJobs(lineage, request, request.query),
    );

    app.get(
      '/v1/jobs/:job',
      { config: read, schema: { tags, summary: 'A job', params: params('job'), response: { 200: jobSchema } } },
      async (request) => getJob(lineage, request.params.job),
    );

    app.get(
      '/v1/jobs/:job/edits',
      {
        config: read,
        schema: {
          tags,
          summary: 'The edits of a job in input order, with their results',
          params: params('job'),
          querystring: pageQuery,
          response: { 200: pageSchema(editRecordSchema) },
        },
      },
      async (request) => shown(await listEdits(lineage, request.params.job, request.query)),
    );

    app.get(
      '/v1/jobs/:job/results',
      {
        config: read,
        schema: {
          tags,
          summary: 'The results of a job as JSONL, one line an edit, in input order',
          description: 'An edit without a result yet has `"result": null`.',
          params: params('job'),
          response: {
            200: { description: 'One edit record a line', content: { 'application/x-ndjson': { schema: z.string() } } },
          },
        },
      },
      async (request, reply) => {
        await getJob(lineage, request.params.job);
        const edits = await editsOfJob(lineage, request.params.job);
        const lines = edits.map(({ id, position, edit, result }) =>
          JSON.stringify({ position, custom_id: edit.custom_id, edit_id: id, result }),
        );
        return reply.type('application/x-ndjson').send(lines.map((line) => `${line}\n`).join(''));
      },
    );

    app.get(
      '/v1/jobs/:job/events',
      {
        config: read,
        schema: {
          tags,
          summary: "A job's events: a list, or a stream with Accept: text/event-stream",
          description:
            'The stream begins after `Last-Event-ID` (or `after`), goes on as things happen, and ends with the event that ended ' +
            'the job. When there is nothing left to tell, the answer is 204. A key that is revoked meanwhile, or loses the scope, ends it ' +
            'with an event `error`, whose data is a problem document.',
          params: params('job'),
          headers: z.looseObject({ 'last-event-id': z.string().max(20).optional() }),
          querystring: pageQuery,
          response: {
            200: {
              description: 'A page of events, or a stream of them',
              content: {
                'application/json': { schema: pageSchema(eventSchema) },
                'text/event-stream': { schema: z.custom<Readable>((value) => value instanceof Readable) },
              },
            },
            204: z.undefined().describe('The job has ended, and there is nothing after the event named'),
          },
        },
      },
      async (request, reply) => {
        const { job: jobId } = request.params;
        const streaming = request.headers.accept?.includes('text/event-stream') === true;
        if (!streaming) return reply.send(shown(await listEvents(lineage, jobId, request.query)));

        const after = eventId(request.headers['last-event-id'] ?? request.query.after ?? '0');
        const source = {
          state: async () => (await getJob(lineage, jobId)).state,
          events: async (from: number, limit: number) =>
            (await listEvents(lineage, jobId, { after: String(from), limit })).data,
          refusal: () =>
            request.checkAgain().then(
              () => null,
              (thrown) => {
                if (thrown instanceof ErrataError) return toProblem(thrown, request.id);
                throw thrown;
              },
            ),
        };
        const ended = isTerminal(await source.state());
        if (ended && (await source.events(after, 1)).length === 0) return reply.status(204).send();
        const stream = bounds.admitStream(request, () =>
          eventStream(source, { jobId, after, feed, heartbeatMs, closing }),
        );
        metrics.openStreams.inc();
        stream.once('close', () => metrics.openStreams.dec());
        // The connection ends with the stream: one that went idle would keep a closing server waiting.
        return reply.header('connection', 'close').type('text/event-stream; charset=utf-8').send(stream);
      },
    );

    app.post(
      '/v1/jobs/:job/cancel',
      {
        config: read,
        schema: {
          tags,
          summary: 'Cancel a job that has not begun to commit',
          description: 'Needs the scope that submitting the job needed. A running job is stopped at its next step.',
          params: params('job'),
          headers: postHeaders,
          response: { 200: jobSchema },
        },
      },
      async (request) => {
        const { id } = await jobToChange(lineage, request, request.params.job);
        return cancelJob(lineage, id);
      },
    );

    app.post(
      '/v1/jobs/:job/retry',
      {
        config: { ...read, queues: true },
        schema: {
          tags,
          summary: 'Queue a failed or cancelled job again',
          description: 'Needs the scope that submitting the job needed. It keeps its place in the order of its branch.',
          params: params('job'),
          headers: postHeaders,
          response: { 200: jobSchema },
        },
      },
      async (request, reply) => {
        const { id } = await jobToChange(lineage, request, request.params.job);
        const job = await retryJob(lineage, id);
        await wakeLane(parts, reply, job);
        for (const lane of await lanesOfShards(lineage, id)) await parts.dispatch.wake(lane);
        return job;
      },
    );
  };

function eventId(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ErrataError('invalid_request', `${JSON.stringify(text)} is not an event id`, {
    errors: [{ code: 'invalid_request', field: 'Last-Event-ID', message: 'an event id is a whole number' }],
  });
}
