// T5 (Raffel et al. 2020), of the first version and of 1.1: relative positions, RMS norms, no biases, scores that are not scaled.

import { z } from 'zod';
import type { RelativePositions } from './blocks/positions.ts';
import type { Activation, AttentionRefs, MatrixRef, MlpRefs, NormRef } from './blocks/refs.ts';
import { activationOf, count, encoderDecoderArchitecture, refuseConfig } from './config.ts';
import { headOf } from './names.ts';

const schema = z.looseObject({
  vocab_size: count,
  d_model: count,
  d_kv: count,
  d_ff: count,
  num_layers: count,
  num_decoder_layers: count.nullish(),
  num_heads: count,
  relative_attention_num_buckets: count.default(32),
  relative_attention_max_distance: count.default(128),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  n_positions: count.default(512),
  feed_forward_proj: z.string().default('relu'),
  tie_word_embeddings: z.boolean().default(true),
  decoder_start_token_id: z.number().int().nonnegative().nullish(),
  pad_token_id: z.number().int().nonnegative().default(0),
});

/** `relu`, or `gated-silu`; `gated-gelu` has always meant the approximation by tanh. */
function feedForward(named: string): { readonly gated: boolean; readonly activation: Activation } {
  const [first, second, ...more] = named.split('-');
  const gated = first === 'gated' && second !== undefined;
  if (more.length > 0 || (second !== undefined && !gated))
    refuseConfig(`feed_forward_proj: ${JSON.stringify(named)} is neither a function nor gated-FUNCTION`);
  return { gated, activation: named === 'gated-gelu' ? 'gelu_tanh' : activationOf(gated ? second : named) };
}

export const t5 = encoderDecoderArchitecture(schema, (c) => {
  const width = c.d_model;
  const inner = c.num_heads * c.d_kv;
  const { gated, activation } = feedForward(c.feed_forward_proj);
  const map = (name: string, inSize: number, outSize: number): MatrixRef => ({
    weight: `${name}.weight`,
    bias: null,
    orientation: 'out_in',
    inSize,
    outSize,
  });
  const norm = (name: string): NormRef => ({ weight: `${name}.weight`, bias: null });
  const attention = (at: string) => ({
    projections: {
      kind: 'separate' as const,
      query: map(`${at}.q`, width, inner),
      key: map(`${at}.k`, width, inner),
      value: map(`${at}.v`, width, inner),
    },
    attentionOutput: map(`${at}.o`, inner, width),
  });
  const mlp = (at: string): MlpRefs => {
    const output = map(`${at}.wo`, c.d_ff, width);
    return gated
      ? {
          kind: 'gated',
          gate: map(`${at}.wi_0`, width, c.d_ff),
          up: map(`${at}.wi_1`, width, c.d_ff),
          output,
          activation,
        }
      : { kind: 'plain', input: map(`${at}.wi`, width, c.d_ff), output, activation };
  };
  /** The first layer's table is added to the scores of all. */
  const positions = (side: string): RelativePositions => ({
    kind: 'relative',
    table: `${side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`,
    buckets: c.relative_attention_num_buckets,
    maxDistance: c.relative_attention_max_distance,
  });
  const self = (at: string): AttentionRefs & { readonly attentionNorm: NormRef } => ({
    ...attention(`${at}.layer.0.SelfAttention`),
    attentionNorm: norm(`${at}.layer.0.layer_norm`),
  });
  const stack = (side: string, layers: number) => ({
    layers,
    width,
    heads: c.num_heads,
    kvHeads: c.num_heads,
    headDim: c.d_kv,
    scoreScale: 1,
    mlpWidth: c.d_ff,
    vocab: c.vocab_size,
    // As long as the texts of its training: distances beyond are all one to it.
    context: c.n_positions,
    norm: { placement: 'before' as const, epsilon: c.layer_norm_epsilon },
    tokenEmbedding: 'shared.weight',
    positions: positions(side),
    embeddingNorm: null,
    finalNorm: norm(`${side}.final_layer_norm`),
  });
  const numbered = <T>(side: string, layers: number, block: (at: string) => T) =>
    Array.from({ length: layers }, (_, layer) => block(`${side}.block.${layer}`));
  const decoderLayers = c.num_decoder_layers ?? c.num_layers;
  return {
    encoder: {
      ...stack('encoder', c.num_layers),
      tokenTypes: null,
      blocks: numbered('encoder', c.num_layers, (at) => ({
        ...self(at),
        mlpNorm: norm(`${at}.layer.1.layer_norm`),
        mlp: mlp(`${at}.layer.1.DenseReluDense`),
      })),
    },
    decoder: {
      ...stack('decoder', decoderLayers),
      blocks: numbered('decoder', decoderLayers, (at) => ({
        ...self(at),
        crossNorm: norm(`${at}.layer.1.layer_norm`),
        cross: attention(`${at}.layer.1.EncDecAttention`),
        mlpNorm: norm(`${at}.layer.2.layer_norm`),
        mlp: mlp(`${at}.layer.2.DenseReluDense`),
      })),
    },
    head: headOf(c.tie_word_embeddings, 'shared.weight', width, c.vocab_size),
    tied: c.tie_word_embeddings,
    headScale: c.tie_word_embeddings ? width ** -0.5 : 1,
    logitsBias: null,
    firstToken: c.decoder_start_token_id ?? c.pad_token_id,
  };
});
