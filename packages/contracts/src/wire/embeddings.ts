// Vectors of texts, in the shapes of the widespread completion API.
import { z } from 'zod';
import { orElse, orNone, promptText } from './completion-fields.ts';

const textsAtOnce = 2048;
const text = promptText.min(1);

export const embeddingRequestSchema = z
  .strictObject({
    /** `name`, or with what completions take behind it: all versions of a model have the same encoder. */
    model: z.string().min(1).max(400),
    input: z
      .union([text, z.array(text).min(1).max(textsAtOnce)], {
        error: 'one text or several, none of them empty; token ids would be those of another tokenizer',
      })
      .describe('One text or several'),
    encoding_format: orElse(z.enum(['float', 'base64']), 'float').describe(
      '`base64`: the bytes of the numbers in float32, little-endian',
    ),
    dimensions: orNone(z.int().min(1).max(1_000_000)).describe('Those that the encoder has, or none'),
    user: orNone(z.string().max(1000)),
  })
  .meta({ id: 'EmbeddingRequest' });
export type EmbeddingRequest = z.input<typeof embeddingRequestSchema>;

export const embeddingsSchema = z
  .strictObject({
    object: z.literal('list'),
    data: z.array(
      z.strictObject({
        object: z.literal('embedding'),
        index: z.int(),
        embedding: z.union([z.array(z.number()), z.string()]),
      }),
    ),
    model: z.string(),
    usage: z.strictObject({ prompt_tokens: z.int(), total_tokens: z.int() }),
  })
  .meta({ id: 'Embeddings' });
export type Embeddings = z.output<typeof embeddingsSchema>;
