// The architectures of GGUF files: the config.json that their metadata amounts to, and what their tensors are called elsewhere.

import type { Described } from './described.ts';
import { fromOnePlus, type Rearrangement, transposed, unpermuted } from './rearrange.ts';
import { longRope, ropeScaling } from './rope.ts';

export interface GgufArchitecture {
  /** Names of tensors without `.weight` or `.bias`, theirs by ours; in a block, behind `blk.N.` and `block`. */
  readonly outside: Readonly<Record<string, string>>;
  readonly inside: Readonly<Record<string, string>>;
  readonly block: string;
  /** How the values of some of them lie otherwise. */
  readonly rearranged?: Readonly<Record<string, Rearrangement>>;
  readonly config: (described: Described) => Readonly<Record<string, unknown>>;
}

/** The shortest decimal that is the same float32: the files keep such numbers in four bytes. */
const short = (value: number): number => {
  for (let digits = 1; digits < 9; digits++) {
    const near = Number(value.toPrecision(digits));
    if (Math.fround(near) === Math.fround(value)) return near;
  }
  return value;
};

/** What the gated decoders have in common. */
function gatedConfig(described: Described, modelType: string, extra: Readonly<Record<string, unknown>> = {}) {
  const { number, need, vocabulary, has, metadata } = described;
  const heads = need('attention.head_count');
  const dim = number('attention.key_length') ?? need('embedding_length') / heads;
  const rotated = number('rope.dimension_count') ?? dim;
  return {
    model_type: modelType,
    vocab_size: vocabulary,
    hidden_size: need('embedding_length'),
    intermediate_size: need('feed_forward_length'),
    num_hidden_layers: need('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: number('attention.head_count_kv') ?? heads,
    head_dim: dim,
    max_position_embeddings: need('context_length'),
    rms_norm_eps: short(need('attention.layer_norm_rms_epsilon')),
    rope_theta: short(number('rope.freq_base') ?? 10_000),
    ...(rotated !== dim && { partial_rotary_factor: rotated / dim }),
    ...ropeScaling(described),
    tie_word_embeddings: !has('output.weight'),
    ...extra,
    ...(metadata.text('general.name') !== undefined && { _name_or_path: metadata.text('general.name') }),
  };
}

const gatedOutside = { token_embd: 'model.embed_tokens', output_norm: 'model.norm', output: 'lm_head' };
const separate = { attn_q: 'self_attn.q_proj', attn_k: 'self_attn.k_proj', attn_v: 'self_attn.v_proj' };
const gatedInside = {
  attn_norm: 'input_layernorm',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};
const headNorms = { attn_q_norm: 'self_attn.q_norm', attn_k_norm: 'self_attn.k_norm' };

const gated = (
  inside: Readonly<Record<string, string>>,
  config: GgufArchitecture['config'],
  rearranged?: GgufArchitecture['rearranged'],
): GgufArchitecture => ({
  outside: gatedOutside,
  inside,
  block: 'model.layers',
  config,
  ...(rearranged && { rearranged }),
});

const gemmaInside = {
  ...gatedInside,
  ...separate,
  ...headNorms,
  ffn_norm: 'pre_feedforward_layernorm',
  post_attention_norm: 'post_attention_layernorm',
  post_ffw_norm: 'post_feedforward_layernorm',
};
const gemmaNorms = [
  'output_norm',
  'attn_norm',
  'attn_q_norm',
  'attn_k_norm',
  'ffn_norm',
  'post_attention_norm',
  'post_ffw_norm',
];
const gemmaRearranged = Object.fromEntries(gemmaNorms.map((name) => [name, fromOnePlus]));

/** The scores of Gemmas are scaled by the size of a head, but by width over heads in the largest: which that is the depth says. */
const gemmaScale = ({ need, number }: Described, deepest: number): number => {
  const heads = need('attention.head_count');
  return need('block_count') === deepest ? need('embedding_length') / heads : (number('attention.key_length') ?? 256);
};

const gemmaExtra = (described: Described, deepest: number) => ({
  hidden_activation: 'gelu_pytorch_tanh',
  attention_bias: false,
  query_pre_attn_scalar: gemmaScale(described, deepest),
  sliding_window: described.number('attention.sliding_window') ?? 4096,
});

/** By what `general.architecture` calls them. */
export const ggufArchitectures: Readonly<Record<string, GgufArchitecture>> = {
  llama: gated(
    { ...gatedInside, ...separate },
    (described) => {
      const { has } = described;
      return gatedConfig(described, 'llama', {
        hidden_act: 'silu',
        attention_bias: has('blk.0.attn_output.bias'),
        mlp_bias: has('blk.0.ffn_down.bias'),
      });
    },
    { attn_q: unpermuted('attention.head_count'), attn_k: unpermuted('attention.head_count_kv') },
  ),
  qwen2: gated({ ...gatedInside, ...separate }, (described) =>
    gatedConfig(described, 'qwen2', { hidden_act: 'silu', use_sliding_window: false }),
  ),
  qwen3: gated({ ...gatedInside, ...separate, ...headNorms }, (described) =>
    gatedConfig(described, 'qwen3', {
      hidden_act: 'silu',
      use_sliding_window: false,
      attention_bias: described.has('blk.0.attn_q.bias'),
    }),
  ),
  gemma2: gated(
    gemmaInside,
    (described) =>
      gatedConfig(described, 'gemma2', {
        ...gemmaExtra(described, 46),
        attn_logit_softcapping: short(described.number('attn_logit_softcapping') ?? 50),
        final_logit_softcapping: short(described.number('final_logit_softcapping') ?? 30),
      }),
    gemmaRearranged,
  ),
  gemma3: gated(
    gemmaInside,
    (described) => {
      const every = described.metadata.uniform('gemma3.attention.sliding_window_pattern') ?? 6;
      return gatedConfig(described, 'gemma3_text', {
        ...gemmaExtra(described, 62),
        rope_theta: short(described.number('rope.freq_base') ?? 1_000_000),
        rope_local_base_freq: short(described.number('rope.freq_base_swa') ?? 10_000),
        layer_types: Array.from({ length: described.need('block_count') }, (_, layer) =>
          (layer + 1) % every === 0 ? 'full_attention' : 'sliding_attention',
        ),
      });
    },
    gemmaRearranged,
  ),
  phi3: gated({ ...gatedInside, attn_qkv: 'self_attn.qkv_proj', ffn_up: 'mlp.gate_up_proj' }, (described) =>
    gatedConfig(described, 'phi3', {
      hidden_act: 'silu',
      sliding_window: described.number('attention.sliding_window') || null,
      ...longRope(described),
    }),
  ),
  gpt2: {
    outside: {
      token_embd: 'transformer.wte',
      position_embd: 'transformer.wpe',
      output_norm: 'transformer.ln_f',
      output: 'lm_head',
    },
    inside: {
      attn_norm: 'ln_1',
      attn_qkv: 'attn.c_attn',
      attn_output: 'attn.c_proj',
      ffn_norm: 'ln_2',
      ffn_up: 'mlp.c_fc',
      ffn_down: 'mlp.c_proj',
    },
    block: 'transformer.h',
    rearranged: { attn_qkv: transposed, attn_output: transposed, ffn_up: transposed, ffn_down: transposed },
    config: ({ need, vocabulary, has }) => ({
      model_type: 'gpt2',
      vocab_size: vocabulary,
      n_positions: need('context_length'),
      n_embd: need('embedding_length'),
      n_layer: need('block_count'),
      n_head: need('attention.head_count'),
      n_inner: need('feed_forward_length'),
      activation_function: 'gelu_new',
      layer_norm_epsilon: short(need('attention.layer_norm_epsilon')),
      tie_word_embeddings: !has('output.weight'),
    }),
  },
};
