// The decoder that Llama set the pattern of: RMS norms, rotary positions, grouped queries, a gated MLP, maps stored [out, in].

import { z } from 'zod';
import type { HeadNorms, MatrixRef, NormRef, Rotary } from './blocks/refs.ts';
import { activationOf, count, requireDivisible } from './config.ts';
import { embeddingOf, headOf, prefixOf } from './names.ts';
import { rotaryContext, rotaryFields, rotaryOf } from './rotary.ts';
import type { BlockRefs, DecoderSpec } from './spec.ts';

/** What the config.json of any such family says; its context length has another default in each. */
export const gatedDecoderFields = {
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  hidden_act: z.string().default('silu'),
  rms_norm_eps: z.number().positive().default(1e-6),
  ...rotaryFields,
  tie_word_embeddings: z.boolean().default(false),
};

/** What sets such families apart. */
export interface GatedDecoderTraits {
  readonly context: number;
  /** Which linear maps have a bias. */
  readonly biases: { readonly queryKeyValue: boolean; readonly attentionOutput: boolean; readonly mlp: boolean };
  /** Whether queries, keys and values are projected by one matrix, and gate and up are one too. */
  readonly fused?: boolean;
  /** Where attention and MLP have a norm; before them where left out. */
  readonly norms?: 'before' | 'after' | 'both';
  /** Whether attention and MLP both take what the block takes, behind one norm. */
  readonly parallel?: boolean;
  /** Whether norms are layer norms, with biases, instead of RMS norms. */
  readonly layerNorms?: boolean;
  /** What the stored weights of norms lack to be their scales. */
  readonly normOffset?: number;
  /** Norms of queries and keys. */
  readonly headNorms?: HeadNorms['over'];
  /** The rotation of a layer, given what the config says for all; undefined for none. */
  readonly rotary?: (layer: number, usual: Rotary) => Rotary | undefined;
  /** Positions that the tokens of a layer attend to at most, where it has a window. */
  readonly window?: (layer: number) => number | undefined;
  /** Where else than under `model.` the decoder may be. */
  readonly prefixes?: readonly string[];
}

type BlockNorms = Pick<BlockRefs, 'attentionNorm' | 'attentionOutputNorm' | 'mlpNorm' | 'mlpOutputNorm'>;

/** What the norms of a block are called depends on which there are. */
const blockNorms: Readonly<
  Record<NonNullable<GatedDecoderTraits['norms']>, (norm: (name: string) => NormRef) => BlockNorms>
> = {
  before: (norm) => ({ attentionNorm: norm('input'), mlpNorm: norm('post_attention') }),
  after: (norm) => ({ attentionOutputNorm: norm('post_attention'), mlpOutputNorm: norm('post_feedforward') }),
  both: (norm) => ({
    attentionNorm: norm('input'),
    attentionOutputNorm: norm('post_attention'),
    mlpNorm: norm('pre_feedforward'),
    mlpOutputNorm: norm('post_feedforward'),
  }),
};

/** @throws ModelError architecture_config_invalid */
export function gatedDecoder(
  c: z.output<z.ZodObject<typeof gatedDecoderFields>>,
  names: ReadonlySet<string> | undefined,
  {
    context,
    biases,
    norms = 'before',
    parallel = false,
    layerNorms = false,
    normOffset,
    ...traits
  }: GatedDecoderTraits,
): Omit<DecoderSpec, 'family' | 'parameters'> {
  const width = c.hidden_size;
  const heads = c.num_attention_heads;
  const kvHeads = c.num_key_value_heads ?? heads;
  if (c.head_dim == null) requireDivisible(width, heads, 'hidden_size over num_attention_heads');
  requireDivisible(heads, kvHeads, 'num_attention_heads over num_key_value_heads');
  const headDim = c.head_dim ?? width / heads;
  const activation = activationOf(c.hidden_act);
  const prefix = prefixOf('norm.weight', 'model.', names, ['', ...(traits.prefixes ?? [])]);
  const usual = rotaryOf(c, headDim);
  const dense = (name: string, inSize: number, outSize: number, bias: boolean): MatrixRef => ({
    weight: `${name}.weight`,
    bias: bias ? `${name}.bias` : null,
    orientation: 'out_in',
    inSize,
    outSize,
  });
  const norm = (name: string, size = width): NormRef => ({
    weight: `${name}.weight`,
    bias: layerNorms ? `${name}.bias` : null,
    size,
    offset: normOffset,
  });
  const headNorms = (at: string, over: HeadNorms['over']): HeadNorms => ({
    over,
    query: norm(`${at}.q_norm`, over === 'head' ? headDim : heads * headDim),
    key: norm(`${at}.k_norm`, over === 'head' ? headDim : kvHeads * headDim),
    epsilon: c.rms_norm_eps,
  });
  const block = (layer: number): BlockRefs => {
    const at = `${prefix}layers.${layer}`;
    const projection = (name: string, outSize: number) =>
      dense(`${at}.self_attn.${name}_proj`, width, outSize, biases.queryKeyValue);
    const mlp = (name: string, inSize: number, outSize: number) =>
      dense(`${at}.mlp.${name}_proj`, inSize, outSize, biases.mlp);
    return {
      parallel,
      ...blockNorms[norms]((name) => norm(`${at}.${parallel ? 'input' : name}_layernorm`)),
      projections: traits.fused
        ? { kind: 'fused', matrix: projection('qkv', (heads + 2 * kvHeads) * headDim), by: 'kind' }
        : {
            kind: 'separate',
            query: projection('q', heads * headDim),
            key: projection('k', kvHeads * headDim),
            value: projection('v', kvHeads * headDim),
          },
      headNorms: traits.headNorms && headNorms(`${at}.self_attn`, traits.headNorms),
      attentionOutput: dense(`${at}.self_attn.o_proj`, heads * headDim, width, biases.attentionOutput),
      mlp: {
        ...(traits.fused
          ? { kind: 'gated_fused', gateUp: mlp('gate_up', width, 2 * c.intermediate_size) }
          : {
              kind: 'gated',
              gate: mlp('gate', width, c.intermediate_size),
              up: mlp('up', width, c.intermediate_size),
            }),
        output: mlp('down', c.intermediate_size, width),
        activation,
      },
      rotary: traits.rotary ? traits.rotary(layer, usual) : usual,
      window: traits.window?.(layer),
    };
  };
  const tokenEmbedding = embeddingOf(`${prefix}embed_tokens.weight`, c.tie_word_embeddings, names);
  return {
    layers: c.num_hidden_layers,
    width,
    heads,
    kvHeads,
    headDim,
    mlpWidth: c.intermediate_size,
    vocab: c.vocab_size,
    context: rotaryContext(c, context),
    norm: { kind: layerNorms ? 'layer' : 'rms', epsilon: c.rms_norm_eps },
    positions: { kind: 'rotary' },
    tokenEmbedding,
    blocks: Array.from({ length: c.num_hidden_layers }, (_, layer) => block(layer)),
    finalNorm: norm(`${prefix}norm`),
    head: headOf(c.tie_word_embeddings, tokenEmbedding, width, c.vocab_size),
    tied: c.tie_word_embeddings,
  };
}
