// The supported families: how each one's config.json and tensor names become a DecoderSpec.

import { z } from 'zod';
import { ModelError, type ModelErrorCode } from '../errors.ts';
import {
  type Activation,
  type BlockRefs,
  type DecoderSpec,
  listParameters,
  type MatrixRef,
  type NormRef,
} from './spec.ts';

/** Every `model_type` that has a graph here. */
export const supportedModelTypes = ['gpt2', 'llama'] as const;

const hints = {
  architecture_config_invalid: 'Use the config.json that transformers saves with the model',
} as const;

function refuse(code: ModelErrorCode, where: string, what: string, hint: string): never {
  throw new ModelError(code, { where, what, hint });
}

const activations: Readonly<Record<string, Activation>> = {
  gelu: 'gelu_erf',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  silu: 'silu',
  swish: 'silu',
  relu: 'relu',
};

function activationOf(name: string): Activation {
  return (
    activations[name] ??
    refuse(
      'architecture_config_invalid',
      'config.json',
      `the activation ${JSON.stringify(name)} is not implemented`,
      `Implemented are ${Object.keys(activations).join(', ')}`,
    )
  );
}

const headName = 'lm_head.weight';

const count = z.number().int().positive();

const gpt2Schema = z.looseObject({
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

const ropeSchema = z.looseObject({
  rope_theta: z.number().positive().nullish(),
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  factor: z.number().positive().nullish(),
  low_freq_factor: z.number().positive().nullish(),
  high_freq_factor: z.number().positive().nullish(),
  original_max_position_embeddings: count.nullish(),
});

const llamaSchema = z.looseObject({
  vocab_size: count,
  max_position_embeddings: count.default(2048),
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  hidden_act: z.string().default('silu'),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
});

function parseConfig<T>(schema: z.ZodType<T>, config: unknown): T {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  return refuse(
    'architecture_config_invalid',
    'config.json',
    `${issue?.path.join('.') || 'the file'}: ${issue?.message}`,
    hints.architecture_config_invalid,
  );
}

function requireDivisible(width: number, heads: number, what: string): void {
  if (width % heads !== 0)
    refuse(
      'architecture_config_invalid',
      'config.json',
      `${what}: ${width} is not a multiple of ${heads}`,
      hints.architecture_config_invalid,
    );
}

/** The prefix under which the checkpoint keeps the decoder: published GPT-2 files come with and without it. */
function prefixOf(marker: string, usual: string, names: ReadonlySet<string> | undefined): string {
  return names && !names.has(`${usual}${marker}`) && names.has(marker) ? '' : usual;
}

function gpt2(config: unknown, names: ReadonlySet<string> | undefined): DecoderSpec {
  const c = parseConfig(gpt2Schema, config);
  const width = c.n_embd;
  requireDivisible(width, c.n_head, 'n_embd over n_head');
  const mlpWidth = c.n_inner ?? 4 * width;
  const activation = activationOf(c.activation_function);
  const context =
    c.n_positions ??
    c.n_ctx ??
    refuse('architecture_config_invalid', 'config.json', 'n_positions is missing', hints.architecture_config_invalid);
  const prefix = prefixOf('ln_f.weight', 'transformer.', names);
  // GPT-2's Conv1D keeps its weight as [in, out].
  const conv = (name: string, inSize: number, outSize: number): MatrixRef => ({
    weight: `${name}.weight`,
    bias: `${name}.bias`,
    orientation: 'in_out',
    inSize,
    outSize,
  });
  const norm = (name: string): NormRef => ({ weight: `${name}.weight`, bias: `${name}.bias` });
  const block = (layer: number): BlockRefs => {
    const at = `${prefix}h.${layer}`;
    return {
      attentionNorm: norm(`${at}.ln_1`),
      projections: { kind: 'fused', matrix: conv(`${at}.attn.c_attn`, width, 3 * width) },
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
  return withParameters({
    family: 'gpt2',
    layers: c.n_layer,
    width,
    heads: c.n_head,
    kvHeads: c.n_head,
    headDim: width / c.n_head,
    mlpWidth,
    vocab: c.vocab_size,
    context,
    norm: { kind: 'layer', epsilon: c.layer_norm_epsilon },
    positions: { kind: 'learned', table: `${prefix}wpe.weight` },
    tokenEmbedding,
    blocks: Array.from({ length: c.n_layer }, (_, layer) => block(layer)),
    finalNorm: norm(`${prefix}ln_f`),
    head: headOf(c.tie_word_embeddings, tokenEmbedding, width, c.vocab_size),
    tied: c.tie_word_embeddings,
  });
}

function llama(config: unknown, names: ReadonlySet<string> | undefined): DecoderSpec {
  const c = parseConfig(llamaSchema, config);
  const width = c.hidden_size;
  const heads = c.num_attention_heads;
  const kvHeads = c.num_key_value_heads ?? heads;
  if (c.head_dim == null) requireDivisible(width, heads, 'hidden_size over num_attention_heads');
  requireDivisible(heads, kvHeads, 'num_attention_heads over num_key_value_heads');
  const headDim = c.head_dim ?? width / heads;
  requireDivisible(headDim, 2, 'head_dim over 2');
  const activation = activationOf(c.hidden_act);
  const prefix = prefixOf('norm.weight', 'model.', names);
  const dense = (name: string, inSize: number, outSize: number, bias: boolean): MatrixRef => ({
    weight: `${name}.weight`,
    bias: bias ? `${name}.bias` : null,
    orientation: 'out_in',
    inSize,
    outSize,
  });
  const norm = (name: string): NormRef => ({ weight: `${name}.weight`, bias: null });
  const block = (layer: number): BlockRefs => {
    const at = `${prefix}layers.${layer}`;
    const attention = (name: string, inSize: number, outSize: number) =>
      dense(`${at}.self_attn.${name}_proj`, inSize, outSize, c.attention_bias);
    const mlp = (name: string, inSize: number, outSize: number) =>
      dense(`${at}.mlp.${name}_proj`, inSize, outSize, c.mlp_bias);
    return {
      attentionNorm: norm(`${at}.input_layernorm`),
      projections: {
        kind: 'separate',
        query: attention('q', width, heads * headDim),
        key: attention('k', width, kvHeads * headDim),
        value: attention('v', width, kvHeads * headDim),
      },
      attentionOutput: attention('o', heads * headDim, width),
      mlpNorm: norm(`${at}.post_attention_layernorm`),
      mlp: {
        kind: 'gated',
        gate: mlp('gate', width, c.intermediate_size),
        up: mlp('up', width, c.intermediate_size),
        output: mlp('down', c.intermediate_size, width),
        activation,
      },
    };
  };
  const tokenEmbedding = embeddingOf(`${prefix}embed_tokens.weight`, c.tie_word_embeddings, names);
  const rope = { ...c.rope_scaling, ...c.rope_parameters };
  const theta = c.rope_parameters?.rope_theta ?? c.rope_theta ?? 10_000;
  return withParameters({
    family: 'llama',
    layers: c.num_hidden_layers,
    width,
    heads,
    kvHeads,
    headDim,
    mlpWidth: c.intermediate_size,
    vocab: c.vocab_size,
    context: c.max_position_embeddings,
    norm: { kind: 'rms', epsilon: c.rms_norm_eps },
    positions: { kind: 'rotary', inverseFrequencies: inverseFrequencies(theta, headDim, rope) },
    tokenEmbedding,
    blocks: Array.from({ length: c.num_hidden_layers }, (_, layer) => block(layer)),
    finalNorm: norm(`${prefix}norm`),
    head: headOf(c.tie_word_embeddings, tokenEmbedding, width, c.vocab_size),
    tied: c.tie_word_embeddings,
  });
}

/** A tied matrix is stored once, as the embedding or, in some files, as the head. */
function embeddingOf(usual: string, tied: boolean, names: ReadonlySet<string> | undefined): string {
  return tied && names && !names.has(usual) && names.has(headName) ? headName : usual;
}

function headOf(tied: boolean, tokenEmbedding: string, inSize: number, outSize: number): MatrixRef {
  return { weight: tied ? tokenEmbedding : headName, bias: null, orientation: 'out_in', inSize, outSize };
}

function withParameters(spec: Omit<DecoderSpec, 'parameters'>): DecoderSpec {
  return { ...spec, parameters: listParameters(spec) };
}

/**
 * Rotation per position of each pair of a head, in radians, rounded to float32 as the reference models keep it:
 * theta^(-2i/d). `llama3` slows the low frequencies by `factor`, blending between its two wavelength bounds.
 */
function inverseFrequencies(theta: number, headDim: number, rope: z.infer<typeof ropeSchema>): readonly number[] {
  const plain = Array.from({ length: headDim / 2 }, (_, i) =>
    Math.fround(1 / Math.fround(theta ** ((2 * i) / headDim))),
  );
  const type = rope.rope_type ?? rope.type ?? 'default';
  if (type === 'default') return plain;
  const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: original } = rope;
  if (type === 'linear' && factor) return plain.map((frequency) => Math.fround(frequency / factor));
  if (type === 'llama3' && factor && low && high && original)
    return plain.map((frequency) => {
      const wavelength = (2 * Math.PI) / frequency;
      if (wavelength < original / high) return frequency;
      if (wavelength > original / low) return Math.fround(frequency / factor);
      const smooth = (original / wavelength - low) / (high - low);
      return Math.fround(((1 - smooth) * frequency) / factor + smooth * frequency);
    });
  return refuse(
    'architecture_config_invalid',
    'config.json',
    `the rotary scaling ${JSON.stringify(rope)} is incomplete or not implemented`,
    'Implemented are default, linear and llama3',
  );
}

/**
 * Describes the decoder that a config.json asks for.
 * @param names the checkpoint's tensor names, to tell which prefix it uses; without them the usual one is taken
 * @throws ModelError architecture_unsupported, architecture_config_invalid
 */
export function decoderSpec(config: { readonly model_type: string }, names?: Iterable<string>): DecoderSpec {
  const known = names === undefined ? undefined : new Set(names);
  switch (config.model_type) {
    case 'gpt2':
      return gpt2(config, known);
    case 'llama':
      return llama(config, known);
    default:
      return refuse(
        'architecture_unsupported',
        'config.json',
        `model_type is ${JSON.stringify(config.model_type)}`,
        `Supported are ${supportedModelTypes.join(', ')}`,
      );
  }
}

/**
 * Checks that every parameter is there in its shape. Further tensors (GPT-2's attn.bias buffers, a stored copy of a tied
 * head) are not read.
 * @throws ModelError architecture_tensor_missing, architecture_tensor_shape
 */
export function checkParameters(spec: DecoderSpec, shapeOf: (name: string) => readonly number[] | undefined): void {
  for (const [name, expected] of spec.parameters) {
    const shape = shapeOf(name);
    if (!shape)
      refuse(
        'architecture_tensor_missing',
        name,
        `a ${spec.family} checkpoint of this size has it, this one does not`,
        'Check that config.json belongs to these weights',
      );
    else if (shape.length !== expected.length || shape.some((n, i) => n !== expected[i]))
      refuse(
        'architecture_tensor_shape',
        name,
        `its shape is [${shape.join(', ')}], config.json says [${expected.join(', ')}]`,
        'Check that config.json belongs to these weights',
      );
  }
}
