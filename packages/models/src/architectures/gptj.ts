// GPT-J (Wang & Komatsuzaki 2021): parallel blocks behind one norm, the first dimensions of a head rotated by neighbours, a biased head.

import { z } from 'zod';
import type { MatrixRef, NormRef } from './blocks/refs.ts';
import { activationOf, architecture, count, requireDivisible } from './config.ts';
import { embeddingOf, headOf, prefixOf } from './names.ts';
import { plainFrequencies } from './rotary.ts';
import type { BlockRefs } from './spec.ts';

const schema = z.looseObject({
  vocab_size: count,
  n_positions: count.default(2048),
  n_embd: count,
  n_layer: count,
  n_head: count,
  n_inner: count.nullish(),
  rotary_dim: count.default(64),
  activation_function: z.string().default('gelu_new'),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  tie_word_embeddings: z.boolean().default(false),
});

const linear = (name: string, inSize: number, outSize: number, bias: boolean): MatrixRef => ({
  weight: `${name}.weight`,
  bias: bias ? `${name}.bias` : null,
  orientation: 'out_in',
  inSize,
  outSize,
});
const norm = (name: string): NormRef => ({ weight: `${name}.weight`, bias: `${name}.bias` });

export const gptj = architecture(schema, (c, names) => {
  const width = c.n_embd;
  requireDivisible(width, c.n_head, 'n_embd over n_head');
  requireDivisible(c.rotary_dim, 2, 'rotary_dim over 2');
  const mlpWidth = c.n_inner ?? 4 * width;
  const activation = activationOf(c.activation_function);
  const prefix = prefixOf('ln_f.weight', 'transformer.', names);
  const rotary = { inverseFrequencies: plainFrequencies(10_000, c.rotary_dim), pairs: 'neighbours' } as const;
  const block = (layer: number): BlockRefs => {
    const at = `${prefix}h.${layer}`;
    const projection = (name: string) => linear(`${at}.attn.${name}_proj`, width, width, false);
    return {
      parallel: true,
      attentionNorm: norm(`${at}.ln_1`),
      projections: { kind: 'separate', query: projection('q'), key: projection('k'), value: projection('v') },
      rotary,
      attentionOutput: projection('out'),
      mlpNorm: norm(`${at}.ln_1`),
      mlp: {
        kind: 'plain',
        input: linear(`${at}.mlp.fc_in`, width, mlpWidth, true),
        output: linear(`${at}.mlp.fc_out`, mlpWidth, width, true),
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
    context: c.n_positions,
    norm: { kind: 'layer', epsilon: c.layer_norm_epsilon },
    positions: { kind: 'rotary' },
    tokenEmbedding,
    blocks: Array.from({ length: c.n_layer }, (_, layer) => block(layer)),
    finalNorm: norm(`${prefix}ln_f`),
    head: { ...headOf(c.tie_word_embeddings, tokenEmbedding, width, c.vocab_size), bias: 'lm_head.bias' },
    tied: c.tie_word_embeddings,
  };
});
