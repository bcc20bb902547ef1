// Edit jobs: a batch of corrections for a branch, checked whole before anything is queued.
import {
  cherryPickRequestSchema,
  ErrataError,
  editDetailSchema,
  editJobRequestSchema,
  editPlanSchema,
  foundEditSchema,
  jobSchema,
  nameOrIdSchema,
  pageQuerySchema,
  pageSchema,
  textLimits,
} from '@errata/contracts';
import {
  branchLane,
  findEdits,
  getBranch,
  getEdit,
  getModel,
  getVersion,
  submitCherryPick,
  submitEditJob,
} from '@errata/lineage';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerFor } from '../admission/auth.ts';
import { readText } from '../admission/door.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { accepted, answerQueued, shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { whileWaitedFor } from '../requests/caller-waits.ts';
import {
  badField,
  fromLines,
  layOutBatch,
  lineQuery,
  ndjsonContentType,
  planBatch,
  readEditor,
  readEdits,
  requireSubjects,
} from '../requests/edits.ts';
import { params, timeQuery } from '../requests/parameters.ts';
import { findJobs, jobFilter, jobQuery } from './jobs.ts';

const editQuery = z.strictObject({
  ...pageQuerySchema.shape,
  model: nameOrIdSchema.optional().describe('Name or id'),
  branch: nameOrIdSchema.optional().describe('Name of a branch of the model'),
  text: z
    .string()
    .min(1)
    .max(textLimits.prompt)
    .optional()
    .describe('Occurs in prompt, subject or new answer, in any case'),
  subject: z.string().min(1).max(textLimits.subject).optional().describe('Is the subject, in any case'),
  created_by: nameOrIdSchema
    .optional()
    .describe('Who asked for it: the id of an API key, or the name that one or several keys have or had, in any case'),
  since: timeQuery.describe('Jobs submitted from then on'),
  before: timeQuery.describe('Jobs submitted before'),
});

export const editJobRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage, tokenizers } = parts;
    for (const type of [ndjsonContentType, 'application/jsonl']) {
      app.addContentTypeParser(type, { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) =>
        fromLines(readText(request, body), request.query),
      );
    }

    app.post(
      '/v1/edit_jobs',
      {
        config: { access: 'edits:write', body: 'batch' },
        schema: {
          tags: ['edit jobs'],
          summary: 'Submit corrections',
          description:
            "Every edit is checked, also by the model's tokenizer, before anything is queued. With `dry_run` nothing is queued at " +
            'all: the answer says what would be, with its tokens, its complete settings, what it would cost, and which active edits ' +
            'answer the same questions. With `level: compute` it queues a job that edits, evaluates and judges, and commits nothing. ' +
            'Work that a finished job has done, on the same version and under the same gate, is taken over from it unless `force`. A gate of its own needs the scope `admin`. ' +
            'The query parameters are the fields of a JSONL body; with a JSON body they are not used.',
          headers: postHeaders,
          querystring: lineQuery,
          body: editJobRequestSchema,
          response: { ...accepted, 200: editPlanSchema.describe('What a dry run found') },
        },
      },
      async (request, reply) => {
        const { body } = request;
        const caller = callerFor(request, { kind: 'edit', input: body });
        const stored = await getModel(lineage, body.model);
        const model = stored.resource;
        const branch = await getBranch(lineage, model.id, body.branch);
        const batch = await readEdits(body);
        const { edits } = batch;
        const { editor, config } = readEditor(body, model, branch);
        requireSubjects(editor, batch);
        const { parent_version_id: parent, on_conflict } = body;
        if (body.level === 'compute' && !body.dry_run)
          throw badField('level', 'level compute is one of a dry run: set dry_run too');
        if (body.dry_run && body.level === 'validate') {
          const seen = parent === undefined ? branch.head : (await getVersion(lineage, parent, model.id)).resource.id;
          if (on_conflict === 'fail' && seen !== branch.head) {
            throw new ErrataError('stale_parent', `branch "${branch.name}" is at ${branch.head}, not at ${seen}`, {
              details: { head: branch.head, parent_version_id: seen },
            });
          }
          const plan = await whileWaitedFor(request, reply, (signal) =>
            planBatch(parts, stored, branch, batch, { editor, config }, signal),
          );
          return reply.status(200).send(plan);
        }
        await whileWaitedFor(request, reply, (signal) => layOutBatch(tokenizers, stored, batch, signal));
        const job = await submitEditJob(lineage, {
          model: model.id,
          branch: branch.name,
          editor,
          config,
          edits,
          seed: body.seed,
          on_error: body.on_error,
          on_conflict,
          parent_version_id: parent,
          gate: body.gate,
          trial: body.dry_run,
          force: body.force,
          needs: body.needs,
          priority: body.priority,
          metadata: body.metadata,
          created_by: caller.id,
          idempotency: request.claim ?? undefined,
        });
        return answerQueued(parts, reply, job, [branchLane(branch.id)]);
      },
    );

    app.get(
      '/v1/edit_jobs',
      {
        config: { access: 'models:read', reach: 'any' },
        schema: {
          tags: ['edit jobs'],
          summary: 'List edit jobs, newest first',
          querystring: jobQuery.omit({ kind: true }),
          response: { 200: pageSchema(jobSchema) },
        },
      },
      async (request) => findJobs(lineage, request, { ...request.query, kind: 'edit' }),
    );

    app.post(
      '/v1/cherry_picks',
      {
        config: { access: 'edits:write' },
        schema: {
          tags: ['edit jobs'],
          summary: "Make an edit job's request again on another head",
          description:
            'The new job has the editor, the settings and the seed of the one it repeats, edits of its own, and says in its input ' +
            'where they came from. It is judged by the gate of the branch it goes to.',
          headers: postHeaders,
          body: cherryPickRequestSchema,
          response: accepted,
        },
      },
      async (request, reply) => {
        const created_by = callerFor(request, { kind: 'edit', input: request.body }).id;
        const idempotency = request.claim ?? undefined;
        const job = await submitCherryPick(lineage, { ...request.body, created_by, idempotency });
        return answerQueued(parts, reply, job);
      },
    );

    app.get(
      '/v1/edits',
      {
        config: { access: 'models:read', reach: 'any' },
        schema: {
          tags: ['edit jobs'],
          summary: 'Search all edits that were asked for, newest first',
          querystring: editQuery,
          response: { 200: pageSchema(foundEditSchema) },
        },
      },
      async (request) => {
        const { model, branch, since, before, after, limit, ...search } = request.query;
        const where = await jobFilter(lineage, request, { model, branch });
        const timeOf = (text: string | undefined) => (text === undefined ? undefined : new Date(text));
        const times = { since: timeOf(since), before: timeOf(before) };
        return shown(await findEdits(lineage, { ...search, ...where, ...times }, { after, limit }));
      },
    );

    app.get(
      '/v1/edits/:edit',
      {
        config: { access: 'models:read' },
        schema: {
          tags: ['edit jobs'],
          summary: 'An edit with its result, and the branches on whose heads it acts',
          params: params('edit'),
          response: { 200: editDetailSchema },
        },
      },
      async ({ params: { edit } }) => getEdit(lineage, edit),
    );
  };
