// DistilBERT (Sanh et al. 2019): half of BERT's layers under names of its own, without token types.

import { z } from 'zod';
import { dense, layerNormOf, roomOf } from './bert-encoder.ts';
import { activationOf, count, encoderArchitecture, requireDivisible } from './config.ts';
import type { EncoderBlockRefs } from './encoder-spec.ts';
import { prefixOf } from './names.ts';

const schema = z.looseObject({
  vocab_size: count,
  dim: count,
  hidden_dim: count,
  n_layers: count,
  n_heads: count,
  activation: z.string().default('gelu'),
  max_position_embeddings: count.default(512),
});

export const distilbert = encoderArchitecture(schema, (c, names) => {
  const width = c.dim;
  requireDivisible(width, c.n_heads, 'dim over n_heads');
  const activation = activationOf(c.activation);
  const prefix = prefixOf('embeddings.word_embeddings.weight', 'distilbert.', names);
  const norm = (name: string) => layerNormOf(name, names);
  const block = (layer: number): EncoderBlockRefs => {
    const at = `${prefix}transformer.layer.${layer}`;
    const map = (name: string) => dense(`${at}.attention.${name}_lin`, width, width);
    return {
      projections: { kind: 'separate', query: map('q'), key: map('k'), value: map('v') },
      attentionOutput: map('out'),
      attentionNorm: norm(`${at}.sa_layer_norm`),
      mlp: {
        kind: 'plain',
        input: dense(`${at}.ffn.lin1`, width, c.hidden_dim),
        output: dense(`${at}.ffn.lin2`, c.hidden_dim, width),
        activation,
      },
      mlpNorm: norm(`${at}.output_layer_norm`),
    };
  };
  const embeddings = `${prefix}embeddings`;
  const table = { table: `${embeddings}.position_embeddings.weight`, rows: c.max_position_embeddings, first: 0 };
  return {
    layers: c.n_layers,
    width,
    heads: c.n_heads,
    kvHeads: c.n_heads,
    headDim: width / c.n_heads,
    mlpWidth: c.hidden_dim,
    vocab: c.vocab_size,
    context: roomOf(table),
    norm: { placement: 'after', epsilon: 1e-12 },
    tokenEmbedding: `${embeddings}.word_embeddings.weight`,
    positions: { kind: 'learned', ...table, skipped: null },
    tokenTypes: null,
    embeddingNorm: norm(`${embeddings}.LayerNorm`),
    blocks: Array.from({ length: c.n_layers }, (_, layer) => block(layer)),
    finalNorm: null,
  };
});
