// What a GGUF file says of an architecture: the other way round of `sources/gguf/architectures.ts`.

import { plainFrequencies } from '../../architectures/rotary.ts';
import type { DecoderSpec } from '../../architectures/spec.ts';
import type { CheckpointConfig } from '../../files/checkpoint.ts';
import { f32, type TypedMetadata, text, u32 } from './values.ts';

/** The architecture of a file by the `model_type` of a config.json. */
export const architectureNames: Readonly<Record<string, string>> = {
  gemma2: 'gemma2',
  gemma3: 'gemma3',
  gemma3_text: 'gemma3',
  gpt2: 'gpt2',
  llama: 'llama',
  mistral: 'llama',
  phi3: 'phi3',
  qwen2: 'qwen2',
  qwen3: 'qwen3',
};

/** What a config.json may say of positions, in any of its layouts. */
interface Rope {
  readonly rope_theta?: number;
  readonly rope_type?: string;
  readonly type?: string;
  readonly factor?: number;
  readonly original_max_position_embeddings?: number;
  readonly attention_factor?: number;
  readonly short_factor?: readonly number[];
  readonly long_factor?: readonly number[];
}
interface Config extends Rope {
  readonly max_position_embeddings?: number;
  readonly rope_scaling?: Rope | null;
  readonly rope_parameters?: (Rope & { readonly full_attention?: Rope; readonly sliding_attention?: Rope }) | null;
  readonly rope_local_base_freq?: number;
  readonly text_config?: Config;
}

/** What is written of a model beside its weights and its vocabulary. */
export interface Description {
  /** Without the name of the architecture in front. */
  readonly own: TypedMetadata;
  /** Small tensors by which the frequencies of rotary positions are divided. */
  readonly factors: ReadonlyMap<string, Float32Array>;
}

export function describeDecoder(spec: DecoderSpec, given: CheckpointConfig): Description {
  const outer = given as unknown as Config;
  const config = outer.text_config ?? outer;
  const shared: TypedMetadata = {
    context_length: u32(config.max_position_embeddings ?? spec.context),
    embedding_length: u32(spec.width),
    block_count: u32(spec.layers),
    feed_forward_length: u32(spec.mlpWidth),
    'attention.head_count': u32(spec.heads),
  };
  if (spec.norm.kind === 'layer')
    return { own: { ...shared, 'attention.layer_norm_epsilon': f32(spec.norm.epsilon) }, factors: new Map() };
  const windows = spec.blocks.map(({ window }) => window);
  const window = windows.find((each) => each !== undefined);
  const scaling = scalingOf(spec, config);
  const local = config.rope_parameters?.sliding_attention?.rope_theta ?? config.rope_local_base_freq;
  const every = windows.indexOf(undefined) + 1;
  return {
    factors: scaling.factors,
    own: {
      ...shared,
      'attention.head_count_kv': u32(spec.kvHeads),
      'attention.key_length': u32(spec.headDim),
      'attention.value_length': u32(spec.headDim),
      'attention.layer_norm_rms_epsilon': f32(spec.norm.epsilon),
      vocab_size: u32(spec.vocab),
      'rope.dimension_count': u32(2 * spec.blocks[0]!.rotary!.inverseFrequencies.length),
      'rope.freq_base': f32(scaling.theta),
      ...scaling.own,
      ...(window !== undefined && { 'attention.sliding_window': u32(window) }),
      ...(local !== undefined && { 'rope.freq_base_swa': f32(local) }),
      ...(local !== undefined && every > 1 && { 'attention.sliding_window_pattern': u32(every) }),
      ...(spec.scoreCap !== undefined && { attn_logit_softcapping: f32(spec.scoreCap) }),
      ...(spec.logitCap !== undefined && { final_logit_softcapping: f32(spec.logitCap) }),
    },
  };
}

function scalingOf(spec: DecoderSpec, config: Config) {
  const whole = config.rope_parameters?.full_attention ?? { ...config.rope_scaling, ...config.rope_parameters };
  const theta = whole.rope_theta ?? config.rope_theta ?? 10_000;
  const type = whole.rope_type ?? whole.type ?? 'default';
  const original = whole.original_max_position_embeddings ?? config.original_max_position_embeddings;
  const factors = new Map<string, Float32Array>();
  const own: Record<string, TypedMetadata[string]> = {};
  if (type === 'linear' || type === 'yarn') {
    own['rope.scaling.type'] = text(type);
    own['rope.scaling.factor'] = f32(whole.factor ?? 1);
    if (original !== undefined) own['rope.scaling.original_context_length'] = u32(original);
  } else if (type === 'llama3') {
    const { inverseFrequencies } = spec.blocks[0]!.rotary!;
    const plain = plainFrequencies(theta, 2 * inverseFrequencies.length);
    factors.set(
      'rope_freqs.weight',
      Float32Array.from(plain, (frequency, i) => frequency / inverseFrequencies[i]!),
    );
  } else if (whole.short_factor !== undefined && whole.long_factor !== undefined) {
    factors.set('rope_factors_short.weight', Float32Array.from(whole.short_factor));
    factors.set('rope_factors_long.weight', Float32Array.from(whole.long_factor));
    own['rope.scaling.type'] = text('longrope');
    if (original !== undefined) own['rope.scaling.original_context_length'] = u32(original);
    const scale = spec.blocks[0]!.rotary!.scale;
    if (scale !== undefined) own['rope.scaling.attn_factor'] = f32(scale);
  }
  return { theta, factors, own };
}
