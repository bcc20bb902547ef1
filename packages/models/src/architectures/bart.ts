// BART (Lewis et al. 2020): BERT's blocks on the reading side, the same with attention to it on the other, learned positions.

import { z } from 'zod';
import { dense, layerNormOf } from './bert-encoder.ts';
import type { AttentionRefs, MlpRefs, NormRef } from './blocks/refs.ts';
import { activationOf, count, encoderDecoderArchitecture, requireDivisible } from './config.ts';
import { headOf, prefixOf } from './names.ts';

const schema = z.looseObject({
  vocab_size: count,
  d_model: count,
  encoder_layers: count,
  decoder_layers: count,
  encoder_attention_heads: count,
  decoder_attention_heads: count,
  encoder_ffn_dim: count,
  decoder_ffn_dim: count,
  activation_function: z.string().default('gelu'),
  max_position_embeddings: count.default(1024),
  scale_embedding: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
  decoder_start_token_id: z.number().int().nonnegative().default(2),
});

/** The tables keep two rows that nothing uses in front of the first position. */
const firstPosition = 2;

export const bart = encoderDecoderArchitecture(schema, (c, names) => {
  const width = c.d_model;
  const activation = activationOf(c.activation_function);
  const prefix = prefixOf('shared.weight', 'model.', names);
  const norm = (name: string): NormRef => layerNormOf(name, names);
  const attention = (at: string) => ({
    projections: {
      kind: 'separate' as const,
      query: dense(`${at}.q_proj`, width, width),
      key: dense(`${at}.k_proj`, width, width),
      value: dense(`${at}.v_proj`, width, width),
    },
    attentionOutput: dense(`${at}.out_proj`, width, width),
  });
  const block = (
    at: string,
    mlpWidth: number,
  ): AttentionRefs & { readonly attentionNorm: NormRef; readonly mlp: MlpRefs; readonly mlpNorm: NormRef } => ({
    ...attention(`${at}.self_attn`),
    attentionNorm: norm(`${at}.self_attn_layer_norm`),
    mlp: {
      kind: 'plain',
      input: dense(`${at}.fc1`, width, mlpWidth),
      output: dense(`${at}.fc2`, mlpWidth, width),
      activation,
    },
    mlpNorm: norm(`${at}.final_layer_norm`),
  });
  const stack = (side: 'encoder' | 'decoder') => {
    const [heads, mlpWidth] = [c[`${side}_attention_heads`], c[`${side}_ffn_dim`]];
    requireDivisible(width, heads, `d_model over ${side}_attention_heads`);
    return {
      layers: c[`${side}_layers`],
      width,
      heads,
      kvHeads: heads,
      headDim: width / heads,
      mlpWidth,
      vocab: c.vocab_size,
      context: c.max_position_embeddings,
      norm: { placement: 'after' as const, epsilon: 1e-5 },
      tokenEmbedding: `${prefix}shared.weight`,
      ...(c.scale_embedding ? { embeddingScale: Math.sqrt(width) } : {}),
      positions: {
        kind: 'learned' as const,
        table: `${prefix}${side}.embed_positions.weight`,
        rows: c.max_position_embeddings + firstPosition,
        first: firstPosition,
        skipped: null,
      },
      embeddingNorm: norm(`${prefix}${side}.layernorm_embedding`),
      finalNorm: null,
    };
  };
  const numbered = <T>(side: 'encoder' | 'decoder', of: (at: string) => T) =>
    Array.from({ length: c[`${side}_layers`] }, (_, layer) => of(`${prefix}${side}.layers.${layer}`));
  return {
    encoder: {
      ...stack('encoder'),
      tokenTypes: null,
      blocks: numbered('encoder', (at) => block(at, c.encoder_ffn_dim)),
    },
    decoder: {
      ...stack('decoder'),
      blocks: numbered('decoder', (at) => ({
        ...block(at, c.decoder_ffn_dim),
        cross: attention(`${at}.encoder_attn`),
        crossNorm: norm(`${at}.encoder_attn_layer_norm`),
      })),
    },
    head: headOf(c.tie_word_embeddings, `${prefix}shared.weight`, width, c.vocab_size),
    tied: c.tie_word_embeddings,
    headScale: 1,
    logitsBias: names?.has('final_logits_bias') ? 'final_logits_bias' : null,
    firstToken: c.decoder_start_token_id,
  };
});
