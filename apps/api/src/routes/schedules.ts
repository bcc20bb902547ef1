// Schedules: when a branch's inbox becomes a batch, run now, and what the runs came to.
import {
  nameOrIdSchema,
  pageQuerySchema,
  pageSchema,
  type ScheduleResource,
  scheduleChangeSchema,
  scheduleRequestSchema,
  scheduleRunSchema,
  scheduleSchema,
} from '@errata/contracts';
import { checkOverrides, type EditorName, requireEditor, resolveConfig } from '@errata/editors/catalogue';
import {
  answerWithin,
  changeSchedule,
  createSchedule,
  deleteSchedule,
  getBranch,
  getModel,
  getSchedule,
  listRuns,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  runSchedule,
  type Tick,
} from '@errata/lineage';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerFor } from '../admission/auth.ts';
import { keepAnswer, postHeaders } from '../admission/idempotency.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { pageQuery, params } from '../requests/parameters.ts';
import { jobFilter } from './jobs.ts';

const tags = ['schedules'];

const scheduleQuery = z.strictObject({
  ...pageQuerySchema.shape,
  model: nameOrIdSchema.optional().describe('Name or id'),
  branch: nameOrIdSchema.optional().describe('Name of a branch of the model'),
});

/** What a trigger came to: a run, or a tick that waits for the job of an earlier one. */
const triggeredSchema = z.strictObject({
  object: z.literal('schedule_trigger'),
  outcome: z.enum(['ran', 'buffered']),
  run: scheduleRunSchema.nullable(),
});

const toldOf = (tick: Tick): z.output<typeof triggeredSchema> => ({
  object: 'schedule_trigger',
  outcome: tick.kind === 'ran' ? 'ran' : 'buffered',
  run: tick.kind === 'ran' ? tick.run : null,
});

/** The job that a run of a schedule submits, as far as it matters for who may have it. */
const runOf = ({ gate }: Pick<ScheduleResource, 'gate'>) => ({ kind: 'edit', input: { gate } }) as const;

export const scheduleRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage } = parts;
    const write = { access: 'edits:write' } as const;
    const read = { access: 'models:read' } as const;

    /** A schedule that the caller may change, stop or run: it takes what its runs take. @throws ErrataError `unknown_schedule`, `missing_scope` */
    async function scheduleToChange(
      request: FastifyRequest & { readonly params: { readonly schedule: string } },
    ): Promise<ScheduleResource> {
      const schedule = await getSchedule(lineage, request.params.schedule);
      callerFor(request, runOf(schedule));
      return schedule;
    }

    /** Refuses at once what every run would be refused for. @throws ErrataError `unknown_editor`, `unknown_config_key`, `invalid_config` */
    async function checkJob(
      model: string,
      branch: string,
      { editor, config }: Pick<ScheduleResource, 'editor' | 'config'>,
    ) {
      const { resource } = await getModel(lineage, model);
      const found = await getBranch(lineage, resource.id, branch);
      const name: EditorName = requireEditor(editor ?? found.default_editor);
      resolveConfig(name, resource, undefined, checkOverrides(name, config));
      return found;
    }

    app.post(
      '/v1/schedules',
      {
        config: write,
        schema: {
          tags,
          summary: 'Create a schedule for the inbox of a branch',
          description:
            'It runs by cron, as soon as `when_pending` edits wait, or both, and submits in the name of the key that made or last ' +
            'changed it: what that key may not do, its runs may not. A gate of its own needs the scope `admin`.',
          headers: postHeaders,
          body: scheduleRequestSchema,
          response: { 201: scheduleSchema },
        },
      },
      async (request, reply) => {
        const { model, branch, ...schedule } = request.body;
        const caller = callerFor(request, runOf(schedule));
        const { id: branch_id } = await checkJob(model, branch, schedule);
        const locate = ({ id }: ScheduleResource) => reply.header('location', `/v1/schedules/${id}`);
        const { claim } = request;
        const created = await createSchedule(
          lineage,
          { ...schedule, branch_id, owner: caller.id },
          claim === null ? undefined : (tx, made) => answerWithin(tx, claim, 201, keepAnswer(locate(made), made)),
        );
        return locate(created).status(201).send(created);
      },
    );

    app.get(
      '/v1/schedules',
      {
        config: { ...read, reach: 'any' },
        schema: {
          tags,
          summary: 'List schedules by name',
          querystring: scheduleQuery,
          response: { 200: pageSchema(scheduleSchema) },
        },
      },
      async (request) => {
        const { model, branch, ...page } = request.query;
        return shown(await listSchedules(lineage, await jobFilter(lineage, request, { model, branch }), page));
      },
    );

    app.get(
      '/v1/schedules/:schedule',
      {
        config: read,
        schema: {
          tags,
          summary: 'A schedule by name or id, with when it is due and its last run',
          params: params('schedule'),
          response: { 200: scheduleSchema },
        },
      },
      async (request) => getSchedule(lineage, request.params.schedule),
    );

    app.patch(
      '/v1/schedules/:schedule',
      {
        config: write,
        schema: {
          tags,
          summary: 'Change a schedule; only what is given changes',
          description:
            'From then on its runs submit in the name of the key that changed it. As stopping, running or deleting it, this needs what its runs need.',
          params: params('schedule'),
          body: scheduleChangeSchema,
          response: { 200: scheduleSchema },
        },
      },
      async (request) => {
        const before = await scheduleToChange(request);
        const { gate = before.gate, editor = before.editor, config = before.config } = request.body;
        // Whoever changes a schedule takes on all of it.
        const caller = callerFor(request, runOf({ gate }));
        await checkJob(before.model_id, before.branch, { editor, config });
        return changeSchedule(lineage, before.id, request.body, caller.id);
      },
    );

    app.delete(
      '/v1/schedules/:schedule',
      {
        config: write,
        schema: {
          tags,
          summary: 'Delete a schedule; its runs, and what it has submitted, stay',
          params: params('schedule'),
          response: { 204: z.undefined().describe('Deleted') },
        },
      },
      async (request, reply) => {
        await deleteSchedule(lineage, (await scheduleToChange(request)).id);
        return reply.status(204).send();
      },
    );

    for (const [verb, change, summary] of [
      ['pause', pauseSchedule, 'Stop a schedule from running by itself; ticks that pass are not made up for'],
      ['resume', resumeSchedule, 'Let a paused schedule run again from now on'],
    ] as const) {
      app.post(
        `/v1/schedules/:schedule/${verb}`,
        {
          config: write,
          schema: {
            tags,
            summary,
            params: params('schedule'),
            headers: postHeaders,
            response: { 200: scheduleSchema },
          },
        },
        async (request) => change(lineage, (await scheduleToChange(request)).id),
      );
    }

    app.post(
      '/v1/schedules/:schedule/trigger',
      {
        config: write,
        schema: {
          tags,
          summary: 'Run a schedule now, also while it is paused',
          description:
            "The run keeps to the schedule's size, order, budget and overlap policy, and is decided before the answer: `run.outcome` " +
            'says what came of it, and `run.job_id` is the batch.',
          params: params('schedule'),
          headers: postHeaders,
          response: { 200: triggeredSchema },
        },
      },
      async (request, reply) => {
        const { claim } = request;
        const tick = await runSchedule(
          lineage,
          (await scheduleToChange(request)).id,
          'manual',
          claim === null
            ? undefined
            : (tx, decided) => answerWithin(tx, claim, 200, keepAnswer(reply, toldOf(decided))),
        );
        if (tick.kind === 'ran' && tick.lane !== null && !(await parts.dispatch.wake(tick.lane)))
          request.log.warn({ lane: tick.lane }, 'the queue did not take the wake-up');
        return toldOf(tick);
      },
    );

    app.get(
      '/v1/schedules/:schedule/runs',
      {
        config: read,
        schema: {
          tags,
          summary: 'The runs of a schedule, newest first, skipped ones included',
          params: params('schedule'),
          querystring: pageQuery,
          response: { 200: pageSchema(scheduleRunSchema) },
        },
      },
      async (request) => shown(await listRuns(lineage, request.params.schedule, request.query)),
    );
  };
