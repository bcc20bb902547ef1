// GPT-NeoX (Black et al. 2022) and Pythia (Biderman et al. 2023): parallel blocks, projections fused head by head, part of a head rotated.

import { z } from 'zod';
import type { MatrixRef, NormRef } from './blocks/refs.ts';
import { activationOf, architecture, count, requireDivisible } from './config.ts';
import { embeddingOf, headOf, prefixOf } from './names.ts';
import { rotaryContext, rotaryFields, rotaryOf } from './rotary.ts';
import type { BlockRefs } from './spec.ts';

const schema = z.looseObject({
  ...rotaryFields,
  vocab_size: count,
  hidden_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  intermediate_size: count,
  hidden_act: z.string().default('gelu'),
  rotary_pct: z.number().positive().max(1).default(0.25),
  rotary_emb_base: z.number().positive().default(10_000),
  max_position_embeddings: count.default(2048),
  layer_norm_eps: z.number().positive().default(1e-5),
  use_parallel_residual: z.boolean().default(true),
  attention_bias: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(false),
});

const linear = (name: string, inSize: number, outSize: number, bias = true): MatrixRef => ({
  weight: `${name}.weight`,
  bias: bias ? `${name}.bias` : null,
  orientation: 'out_in',
  inSize,
  outSize,
});
const norm = (name: string): NormRef => ({ weight: `${name}.weight`, bias: `${name}.bias` });
const headName = 'embed_out.weight';

export const gptNeox = architecture(schema, (c, names) => {
  const { hidden_size: width, intermediate_size: mlpWidth, num_attention_heads: heads } = c;
  requireDivisible(width, heads, 'hidden_size over num_attention_heads');
  const headDim = width / heads;
  const activation = activationOf(c.hidden_act);
  const prefix = prefixOf('final_layer_norm.weight', 'gpt_neox.', names);
  const rope = { ...c, rope_theta: c.rope_theta ?? c.rotary_emb_base, partial_rotary_factor: c.rotary_pct };
  const rotary = rotaryOf(rope, headDim);
  const block = (layer: number): BlockRefs => {
    const at = `${prefix}layers.${layer}`;
    return {
      parallel: c.use_parallel_residual,
      attentionNorm: norm(`${at}.input_layernorm`),
      projections: {
        kind: 'fused',
        matrix: linear(`${at}.attention.query_key_value`, width, 3 * width, c.attention_bias),
        by: 'head',
      },
      rotary,
      attentionOutput: linear(`${at}.attention.dense`, width, width, c.attention_bias),
      mlpNorm: norm(`${at}.post_attention_layernorm`),
      mlp: {
        kind: 'plain',
        input: linear(`${at}.mlp.dense_h_to_4h`, width, mlpWidth),
        output: linear(`${at}.mlp.dense_4h_to_h`, mlpWidth, width),
        activation,
      },
    };
  };
  const tokenEmbedding = embeddingOf(`${prefix}embed_in.weight`, c.tie_word_embeddings, names, headName);
  return {
    layers: c.num_hidden_layers,
    width,
    heads,
    kvHeads: heads,
    headDim,
    mlpWidth,
    vocab: c.vocab_size,
    context: rotaryContext(rope, c.max_position_embeddings),
    norm: { kind: 'layer', epsilon: c.layer_norm_eps },
    positions: { kind: 'rotary' },
    tokenEmbedding,
    blocks: Array.from({ length: c.num_hidden_layers }, (_, layer) => block(layer)),
    finalNorm: norm(`${prefix}final_layer_norm`),
    head: headOf(c.tie_word_embeddings, tokenEmbedding, width, c.vocab_size, headName),
    tied: c.tie_word_embeddings,
  };
});
