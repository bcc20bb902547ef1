// Artefacts: what editors need of a model beforehand. Building them is a job.
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { artefactSchema, nameOrIdSchema, pageQuerySchema, pageSchema } from '@errata/contracts';
import { artefactJobInput, artefactKindNames, artefactRequestSchema, requireEditor } from '@errata/editors/catalogue';
import { getArtefact, getModel, listArtefacts, submitArtefactJob } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerFor } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { accepted, answerQueued, shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { params } from '../requests/parameters.ts';

const tags = ['artefacts'];

export const artefactRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage, engine } = parts;

    app.post(
      '/v1/artefacts',
      {
        config: { access: 'edits:write' },
        schema: {
          tags,
          summary: 'Build what editors need of a model beforehand',
          description: "A corpus of its own is a file of the worker's machine and needs the scope `admin`.",
          headers: postHeaders,
          body: artefactRequestSchema,
          response: accepted,
        },
      },
      async (request, reply) => {
        const caller = callerFor(request, { kind: 'artefact', input: request.body });
        const { model, editor, priority } = request.body;
        const body = editor === undefined ? request.body : { ...request.body, editor: requireEditor(editor) };
        const job = await submitArtefactJob(lineage, {
          model,
          input: artefactJobInput(body),
          priority,
          created_by: caller.id,
          idempotency: request.claim ?? undefined,
        });
        return answerQueued(parts, reply, job);
      },
    );

    app.get(
      '/v1/artefacts',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'List the artefacts of a model, newest first',
          querystring: z.strictObject({
            ...pageQuerySchema.shape,
            model: nameOrIdSchema.describe('Name or id'),
            kind: z.enum(artefactKindNames).optional().describe('Only those of this kind'),
          }),
          response: { 200: pageSchema(artefactSchema) },
        },
      },
      async ({ query: { model, kind, ...page } }) => {
        const { resource } = await getModel(lineage, model);
        return shown(await listArtefacts(lineage, resource.id, { kind }, page));
      },
    );

    app.get(
      '/v1/artefacts/:artefact',
      {
        config: { access: 'models:read' },
        schema: { tags, summary: 'An artefact', params: params('artefact'), response: { 200: artefactSchema } },
      },
      async (request) => getArtefact(lineage, request.params.artefact),
    );

    app.get(
      '/v1/artefacts/:artefact/content',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'What an artefact holds',
          description: 'The file that its `blob` is the sha256 of, as an `errata.json` beside a model may name it.',
          params: params('artefact'),
          response: {
            200: {
              description: 'The file',
              content: {
                'application/octet-stream': { schema: z.custom<Readable>((value) => value instanceof Readable) },
              },
            },
          },
        },
      },
      async (request, reply) => {
        const { id, blob, bytes } = await getArtefact(lineage, request.params.artefact);
        const { path } = await engine.call('locateArtefact', { blob });
        const file = await open(path);
        return reply
          .type('application/octet-stream')
          .header('content-length', bytes)
          .header('content-disposition', `attachment; filename="${id}"`)
          .send(file.createReadStream());
      },
    );
  };
