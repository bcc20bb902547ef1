// The encoder that BERT set the pattern of: norms after each sum, learned positions, a plain MLP, maps stored [out, in].

import { z } from 'zod';
import type { LearnedPositions } from './blocks/positions.ts';
import type { MatrixRef, NormRef } from './blocks/refs.ts';
import { activationOf, count, refuseConfig, requireDivisible } from './config.ts';
import type { DescribedEncoder, EncoderBlockRefs } from './encoder-spec.ts';
import { prefixOf } from './names.ts';

/** What the config.json of BERT and of those that keep its names says. */
export const bertEncoderFields = {
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  hidden_act: z.string().default('gelu'),
  layer_norm_eps: z.number().positive().default(1e-12),
  max_position_embeddings: count.default(512),
  type_vocab_size: count.default(2),
  position_embedding_type: z.literal('absolute').default('absolute'),
  is_decoder: z.literal(false).default(false),
};

/** What sets such families apart: the names of their parts, and where positions begin. */
export interface BertEncoderTraits {
  /** Usual prefix of all tensors. */
  readonly prefix: string;
  readonly positions: Pick<LearnedPositions, 'first' | 'skipped'>;
}

/** A linear map with a bias, stored [out, in]. */
export const dense = (name: string, inSize: number, outSize: number): MatrixRef => ({
  weight: `${name}.weight`,
  bias: `${name}.bias`,
  orientation: 'out_in',
  inSize,
  outSize,
});

/** A layer norm; the oldest files call its weight and bias gamma and beta. */
export const layerNormOf = (name: string, names: ReadonlySet<string> | undefined): NormRef =>
  names?.has(`${name}.gamma`)
    ? { weight: `${name}.gamma`, bias: `${name}.beta` }
    : { weight: `${name}.weight`, bias: `${name}.bias` };

/** The rows of a table of positions that texts may use. @throws ModelError architecture_config_invalid where there are none */
export function roomOf({ rows, first }: Pick<LearnedPositions, 'rows' | 'first'>): number {
  return rows > first
    ? rows - first
    : refuseConfig(`max_position_embeddings: ${rows} positions leave no room for a text`);
}

/** @throws ModelError architecture_config_invalid */
export function bertEncoder(
  c: z.output<z.ZodObject<typeof bertEncoderFields>>,
  names: ReadonlySet<string> | undefined,
  { prefix: usual, positions }: BertEncoderTraits,
): DescribedEncoder {
  const width = c.hidden_size;
  requireDivisible(width, c.num_attention_heads, 'hidden_size over num_attention_heads');
  const activation = activationOf(c.hidden_act);
  const prefix = prefixOf('embeddings.word_embeddings.weight', usual, names);
  const norm = (name: string) => layerNormOf(name, names);
  const block = (layer: number): EncoderBlockRefs => {
    const at = `${prefix}encoder.layer.${layer}`;
    const projection = (name: string) => dense(`${at}.attention.self.${name}`, width, width);
    return {
      projections: {
        kind: 'separate',
        query: projection('query'),
        key: projection('key'),
        value: projection('value'),
      },
      attentionOutput: dense(`${at}.attention.output.dense`, width, width),
      attentionNorm: norm(`${at}.attention.output.LayerNorm`),
      mlp: {
        kind: 'plain',
        input: dense(`${at}.intermediate.dense`, width, c.intermediate_size),
        output: dense(`${at}.output.dense`, c.intermediate_size, width),
        activation,
      },
      mlpNorm: norm(`${at}.output.LayerNorm`),
    };
  };
  const embeddings = `${prefix}embeddings`;
  const table = { table: `${embeddings}.position_embeddings.weight`, rows: c.max_position_embeddings, ...positions };
  return {
    layers: c.num_hidden_layers,
    width,
    heads: c.num_attention_heads,
    kvHeads: c.num_attention_heads,
    headDim: width / c.num_attention_heads,
    mlpWidth: c.intermediate_size,
    vocab: c.vocab_size,
    context: roomOf(table),
    norm: { placement: 'after', epsilon: c.layer_norm_eps },
    tokenEmbedding: `${embeddings}.word_embeddings.weight`,
    positions: { kind: 'learned', ...table },
    tokenTypes: { table: `${embeddings}.token_type_embeddings.weight`, count: c.type_vocab_size },
    embeddingNorm: norm(`${embeddings}.LayerNorm`),
    blocks: Array.from({ length: c.num_hidden_layers }, (_, layer) => block(layer)),
    finalNorm: null,
  };
}
