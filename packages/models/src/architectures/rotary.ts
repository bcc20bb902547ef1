// Rotary positions (Su et al. 2021) as a config.json asks for them.

import { z } from 'zod';
import type { Rotary } from './blocks/refs.ts';
import { count, refuseConfig, requireDivisible } from './config.ts';

/** What says how positions rotate. */
export const ropeSchema = z.looseObject({
  rope_theta: z.number().positive().nullish(),
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  partial_rotary_factor: z.number().positive().max(1).nullish(),
  factor: z.number().positive().nullish(),
  low_freq_factor: z.number().positive().nullish(),
  high_freq_factor: z.number().positive().nullish(),
  original_max_position_embeddings: count.nullish(),
  attention_factor: z.number().positive().nullish(),
  beta_fast: z.number().positive().nullish(),
  beta_slow: z.number().positive().nullish(),
  mscale: z.number().nonnegative().nullish(),
  mscale_all_dim: z.number().nonnegative().nullish(),
  truncate: z.boolean().nullish(),
  short_factor: z.array(z.number().positive()).nullish(),
});

/** The fields of either layout: transformers 5 writes `rope_parameters`, earlier ones `rope_theta` and `rope_scaling`. */
export const rotaryFields = {
  rope_theta: z.number().positive().nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  partial_rotary_factor: z.number().positive().max(1).nullish(),
  max_position_embeddings: count.nullish(),
  original_max_position_embeddings: count.nullish(),
};

/** theta^(-2i/d) for pair i of d/2, in float32. */
export const plainFrequencies = (theta: number, rotated: number): readonly number[] =>
  Array.from({ length: rotated / 2 }, (_, i) => Math.fround(1 / Math.fround(theta ** ((2 * i) / rotated))));

/** Those fields, parsed. */
export type RotaryConfig = z.output<z.ZodObject<typeof rotaryFields>>;

const ropeOf = (config: RotaryConfig) => {
  const rope = { ...config.rope_scaling, ...config.rope_parameters };
  return { ...rope, type: rope.rope_type ?? rope.type ?? 'default' };
};

/**
 * The rotation of heads of a size, in float32 as the reference models keep it: theta^(-2i/d) radians a position for pair i of d/2,
 * d being the part of a head that is rotated. `linear` slows all of them by `factor`; `llama3` the low ones, blending between its
 * two wavelength bounds; `yarn` (Peng et al. 2023) those that turn seldom in the context first trained for; `longrope` (Ding et al.
 * 2024) each by a factor of its own. That factor is the short one, and `dynamic` changes nothing, for as far as {@link rotaryContext}
 * reaches.
 * @throws ModelError architecture_config_invalid
 */
export function rotaryOf(config: RotaryConfig, headDim: number): Rotary {
  const rope = ropeOf(config);
  const theta = config.rope_parameters?.rope_theta ?? config.rope_theta ?? 10_000;
  const rotated = Math.trunc(headDim * (rope.partial_rotary_factor ?? config.partial_rotary_factor ?? 1));
  requireDivisible(rotated, 2, 'the rotated part of head_dim over 2');
  const plain = plainFrequencies(theta, rotated);
  const {
    type,
    factor,
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: original,
  } = rope;
  if (type === 'default' || (type === 'dynamic' && factor)) return { inverseFrequencies: plain };
  if (type === 'linear' && factor)
    return { inverseFrequencies: plain.map((frequency) => Math.fround(frequency / factor)) };
  if (type === 'llama3' && factor && low && high && original)
    return {
      inverseFrequencies: plain.map((frequency) => {
        const wavelength = (2 * Math.PI) / frequency;
        if (wavelength < original / high) return frequency;
        if (wavelength > original / low) return Math.fround(frequency / factor);
        const smooth = (original / wavelength - low) / (high - low);
        return Math.fround(((1 - smooth) * frequency) / factor + smooth * frequency);
      }),
    };
  if (type === 'yarn' && factor) return yarn(rope, factor, plain, theta, original ?? config.max_position_embeddings);
  const { short_factor: short } = rope;
  if (isLong(type) && short?.length === plain.length) {
    const reach = config.original_max_position_embeddings ?? original ?? config.max_position_embeddings;
    const stretch = reach && config.max_position_embeddings ? config.max_position_embeddings / reach : (factor ?? 1);
    const scale = stretch > 1 && reach ? Math.sqrt(1 + Math.log(stretch) / Math.log(reach)) : 1;
    return {
      inverseFrequencies: plain.map((frequency, i) => Math.fround(frequency / short[i]!)),
      scale: rope.attention_factor ?? scale,
    };
  }
  return refuseConfig(
    `the rotary scaling ${JSON.stringify(rope)} is incomplete or not implemented`,
    'Implemented are default, linear, dynamic, llama3, yarn and longrope',
  );
}

/**
 * YaRN (Peng et al. 2023, section 3.2): pairs that turn more than `beta_fast` times in the original context stay as they are, those
 * that turn less than `beta_slow` times slow down by the factor, with a ramp between; what is rotated grows by 0.1 ln(factor) + 1.
 */
function yarn(
  rope: z.output<typeof ropeSchema>,
  factor: number,
  plain: readonly number[],
  theta: number,
  context: number | null | undefined,
): Rotary {
  const original = context ?? refuseConfig('yarn needs original_max_position_embeddings');
  const rotated = 2 * plain.length;
  // The pair, as a fraction, that turns so often in the original context.
  const pairOf = (turns: number) => (rotated * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [fast, slow] = [pairOf(rope.beta_fast || 32), pairOf(rope.beta_slow || 1)];
  const whole = rope.truncate ?? true;
  const from = Math.max(0, whole ? Math.floor(fast) : fast);
  const to = Math.min(rotated - 1, whole ? Math.ceil(slow) : slow);
  const width = to === from ? 0.001 : to - from;
  const growth = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  const { mscale, mscale_all_dim: all } = rope;
  return {
    inverseFrequencies: plain.map((frequency, i) => {
      const slowed = Math.min(1, Math.max(0, (i - from) / width));
      return Math.fround(frequency * (1 - slowed) + (frequency / factor) * slowed);
    }),
    scale: rope.attention_factor ?? (mscale && all ? growth(mscale) / growth(all) : growth(1)),
  };
}

const isLong = (type: string) => type === 'longrope' || type === 'su';

/**
 * How far a context reaches in which the rotation of a position is one and the same: `longrope` takes other factors, and `dynamic`
 * another base, in texts that are longer than the model was first made for.
 */
export function rotaryContext(config: RotaryConfig, context: number): number {
  const rope = ropeOf(config);
  if (rope.type === 'dynamic') return Math.min(context, config.max_position_embeddings ?? context);
  if (!isLong(rope.type)) return context;
  return Math.min(context, config.original_max_position_embeddings ?? rope.original_max_position_embeddings ?? context);
}
