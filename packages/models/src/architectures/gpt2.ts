// GPT-2 (Radford et al. 2019): layer norms, learned positions, one matrix for queries, keys and values, a plain MLP.

import { z } from 'zod';
import type { MatrixRef, NormRef } from './blocks/refs.ts';
import { activationOf, architecture, count, refuseConfig, requireDivisible } from './config.ts';
import { embeddingOf, headOf, prefixOf } from './names.ts';
import type { BlockRefs } from './spec.ts';

const schema = z.looseObject({
  vocab_size: count,
  n_positions: count.nullish(),
  n_ctx: count.nullish(),
  n_embd: count,
  n_layer: count,
  n_head: count,
  n_inner: count.nullish(),
  activation_function: z.string().default('gelu_new'),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  tie_word_embeddings: z.boolean().default(true),
  scale_attn_weights: z.literal(true).default(true),
  scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
  add_cross_attention: z.literal(false).default(false),
});

/** Its Conv1D keeps the weight as [in, out]. */
const conv = (name: string, inSize: number, outSize: number): MatrixRef => ({
  weight: `${name}.weight`,
  bias: `${name}.bias`,
  orientation: 'in_out',
  inSize,
  outSize,
});
const norm = (name: string): NormRef => ({ weight: `${name}.weight`, bias: `${name}.bias` });

export const gpt2 = architecture(schema, (c, names) => {
  const width = c.n_embd;
  requireDivisible(width, c.n_head, 'n_embd over n_head');
  const mlpWidth = c.n_inner ?? 4 * width;
  const activation = activationOf(c.activation_function);
  const prefix = prefixOf('ln_f.weight', 'transformer.', names);
  const block = (layer: number): BlockRefs => {
    const at = `${prefix}h.${layer}`;
    return {
      attentionNorm: norm(`${at}.ln_1`),
      projections: { kind: 'fused', matrix: conv(`${at}.attn.c_attn`, width, 3 * width), by: 'kind' },
      attentionOutput: conv(`${at}.attn.c_proj`, width, width),
      mlpNorm: norm(`${at}.ln_2`),
      mlp: {
        kind: 'plain',
        input: conv(`${at}.mlp.c_fc`, width, mlpWidth),
        output: conv(`${at}.mlp.c_proj`, mlpWidth, width),
        activation,
      },
    };
  };
  const tokenEmbedding = embeddingOf(`${prefix}wte.weight`, c.tie_word_embeddings, names);
  return {
    layers: c.n_layer,
    width,
    heads: c.n_head,
    kvHeads: c.n_head,
    headDim: width / c.n_head,
    mlpWidth,
    vocab: c.vocab_size,
    context: c.n_positions ?? c.n_ctx ?? refuseConfig('n_positions is missing'),
    norm: { kind: 'layer', epsilon: c.layer_norm_epsilon },
    positions: { kind: 'learned', table: `${prefix}wpe.weight` },
    tokenEmbedding,
    blocks: Array.from({ length: c.n_layer }, (_, layer) => block(layer)),
    finalNorm: norm(`${prefix}ln_f`),
    head: headOf(c.tie_word_embeddings, tokenEmbedding, width, c.vocab_size),
    tied: c.tie_word_embeddings,
  };
});
