// Evaluations: any version measured against another, as a job that moves no branch; its rows as they come, its summary in the end.
import { Readable } from 'node:stream';
import {
  caseResultSchema,
  evaluationRequestSchema,
  evaluationSchema,
  jobStates,
  nameOrIdSchema,
  pageQuerySchema,
  pageSchema,
} from '@errata/contracts';
import {
  getEvaluation,
  getModel,
  getReport,
  lanesOfShards,
  listEvaluations,
  listResults,
  metricsOf,
  type ResultFilter,
  submitEvaluation,
} from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerFor } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { csvWriter } from '../formats/evaluation-csv.ts';
import { accepted, answerQueued, shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { readEvaluatedEditor, readSuite } from '../requests/evaluations.ts';
import { params } from '../requests/parameters.ts';
import { jobFilter } from './jobs.ts';

const tags = ['evaluations'];
const read = { access: 'models:read' } as const;

const rowQuery = z.strictObject({
  ...pageQuerySchema.shape,
  outcome: z.enum(['measured', 'failed']).optional(),
  changed: z.enum(['true', 'false']).optional().describe('Whether the answer differs between the two versions'),
});

export const evaluationRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage } = parts;

    app.post(
      '/v1/evaluations',
      {
        config: { access: 'evals:write', body: 'batch' },
        schema: {
          tags,
          summary: 'Measure a version against another',
          description:
            'Works on any version and moves no branch. Give `edits`, `probes` (single questions and items of suites) or both, as JSON ' +
            'or as the text of a JSONL file, or name a `suite`: `applied` asks about the edits that are active in the version, `difference` about those by which it differs ' +
            'from the one it is compared with; other names are those of stored suites. With an `editor` the edits are made anew on the ' +
            'version by a `protocol`, tested against it and thrown away; what is given beside them is asked along a stream of edits.',
          headers: postHeaders,
          body: evaluationRequestSchema,
          response: accepted,
        },
      },
      async (request, reply) => {
        const { model, branch, version, against, shards, gate, needs, priority, metadata } = request.body;
        const caller = callerFor(request, { kind: 'evaluation', input: request.body });
        const { resource } = await getModel(lineage, model);
        const job = await submitEvaluation(lineage, {
          model: resource.id,
          branch,
          version,
          against,
          shards,
          gate,
          needs,
          priority,
          metadata,
          suite: await readSuite(request.body),
          editor: readEvaluatedEditor(request.body, resource),
          created_by: caller.id,
          idempotency: request.claim ?? undefined,
        });
        const lanes = await lanesOfShards(lineage, job.id).catch(() => []);
        return answerQueued(parts, reply, job, lanes);
      },
    );

    app.get(
      '/v1/evaluations',
      {
        config: { ...read, reach: 'any' },
        schema: {
          tags,
          summary: 'List evaluations, newest first',
          querystring: z.strictObject({
            ...pageQuerySchema.shape,
            state: z.enum(jobStates).optional(),
            model: nameOrIdSchema.optional().describe('Name or id'),
            branch: nameOrIdSchema.optional().describe('Name of a branch of the model'),
            version: nameOrIdSchema.optional().describe('Of this version; its whole id'),
          }),
          response: { 200: pageSchema(evaluationSchema) },
        },
      },
      async (request) => {
        const { state, model, branch, version, ...page } = request.query;
        const filter = await jobFilter(lineage, request, { model, branch });
        const states = state === undefined ? {} : { states: [state] };
        return shown(await listEvaluations(lineage, { ...filter, ...states, version_id: version }, page));
      },
    );

    app.get(
      '/v1/evaluations/:evaluation',
      {
        config: read,
        schema: {
          tags,
          summary: 'An evaluation: how far it has come, and its summary once it is done',
          params: params('evaluation'),
          response: { 200: evaluationSchema },
        },
      },
      async (request) => getEvaluation(lineage, request.params.evaluation),
    );

    app.get(
      '/v1/evaluations/:evaluation/rows',
      {
        config: read,
        schema: {
          tags,
          summary: 'What each case found, in order; as CSV with Accept: text/csv',
          description: 'Rows appear as they are found. As CSV all of them come at once, without pages.',
          params: params('evaluation'),
          querystring: rowQuery,
          response: {
            200: {
              description: 'A page of rows, or all of them as CSV',
              content: {
                'application/json': { schema: pageSchema(caseResultSchema) },
                'text/csv': { schema: z.custom<Readable>((value) => value instanceof Readable) },
              },
            },
          },
        },
      },
      async (request, reply) => {
        const { evaluation } = request.params;
        const { outcome, changed, ...page } = request.query;
        await getEvaluation(lineage, evaluation);
        const filter: ResultFilter = { outcome, ...(changed === undefined ? {} : { changed: changed === 'true' }) };
        if (request.headers.accept?.includes('text/csv') !== true)
          return reply.send(shown(await listResults(lineage, evaluation, filter, page)));
        return reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="${evaluation}.csv"`)
          .send(Readable.from(linesOf(evaluation, filter), { objectMode: false }));
      },
    );

    app.get(
      '/v1/evaluations/:evaluation/report',
      {
        config: read,
        schema: {
          tags,
          summary: 'The report of an evaluation as one page of HTML',
          params: params('evaluation'),
          response: { 200: { description: 'The page', content: { 'text/html': { schema: z.string() } } } },
        },
      },
      async (request, reply) => {
        const page = await getReport(lineage, request.params.evaluation);
        // It holds texts of models and of people, and loads nothing.
        return reply
          .type('text/html; charset=utf-8')
          .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
          .send(page);
      },
    );

    async function* linesOf(evaluation: string, filter: ResultFilter): AsyncGenerator<string> {
      const csv = csvWriter(await metricsOf(lineage, evaluation));
      yield csv.header;
      for (let after: string | undefined; ; ) {
        const page = await listResults(lineage, evaluation, filter, { limit: 500, after });
        if (page.data.length > 0) yield page.data.map(csv.line).join('');
        if (page.next_cursor === null) return;
        after = page.next_cursor;
      }
    }
  };
