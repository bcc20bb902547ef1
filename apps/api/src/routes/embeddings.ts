// Vectors of texts by the sentence encoder of a model, in the shapes of the widespread completion API.
import {
  type ArtefactNeed,
  ErrataError,
  embeddingRequestSchema,
  embeddingsSchema,
  wholeModel,
} from '@errata/contracts';
import { describeArtefact } from '@errata/editors/catalogue';
import { findArtefact } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { postHeaders } from '../admission/idempotency.ts';
import type { ApiParts } from '../parts.ts';
import { whileWaitedFor } from '../requests/caller-waits.ts';
import { resolveServed } from '../requests/served-names.ts';

const kind = 'sentence_encoder';
const need: ArtefactNeed = { kind, scope: wholeModel, parameters: { format: describeArtefact(kind).format } };

export const embeddingRoutes =
  ({ lineage, servers }: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/v1/embeddings',
      {
        config: { access: 'models:read' },
        schema: {
          tags: ['completions'],
          summary: 'Make vectors of texts with the sentence encoder of a model',
          description:
            'The newest artefact `sentence_encoder` of the model makes them, as it does for `retrieval`; edits do not change it. A model without one answers `409 artefact_missing`.',
          headers: postHeaders,
          body: embeddingRequestSchema,
          response: { 200: embeddingsSchema },
        },
      },
      async (request, reply) => {
        const { model: name, input, encoding_format, dimensions } = request.body;
        const { model } = await resolveServed(lineage, name);
        const encoder = await findArtefact(lineage, model.resource.id, need);
        if (encoder === null)
          throw new ErrataError(
            'artefact_missing',
            `${model.resource.name} has no sentence encoder to make vectors with; it gets one by errata artefact build ${model.resource.name} --kind ${kind} --encoder DIR`,
            { details: { kind, model: model.resource.name } },
          );
        const texts = typeof input === 'string' ? [input] : input;
        const { vectors, width, tokens } = await whileWaitedFor(request, reply, (signal) =>
          servers.call('embed', { encoder: encoder.blob, texts }, { signal }),
        );
        if (dimensions !== undefined && dimensions !== width) {
          const message = `dimensions: the sentence encoder makes vectors of ${width} numbers, which are not cut`;
          throw new ErrataError('invalid_request', message, {
            errors: [{ code: 'invalid_request', field: 'dimensions', pointer: '/dimensions', message }],
          });
        }
        const prompt_tokens = tokens.reduce((sum, count) => sum + count, 0);
        return {
          object: 'list' as const,
          data: texts.map((_, index) => ({
            object: 'embedding' as const,
            index,
            embedding: encoded(vectors.subarray(index * width, (index + 1) * width), encoding_format),
          })),
          model: name,
          usage: { prompt_tokens, total_tokens: prompt_tokens },
        };
      },
    );
  };

function encoded(vector: Float32Array, format: 'float' | 'base64'): number[] | string {
  if (format === 'float') return [...vector];
  const bytes = Buffer.alloc(4 * vector.length);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, 4 * index);
  return bytes.toString('base64');
}
