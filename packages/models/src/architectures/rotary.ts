// Rotary positions (Su et al. 2021) as a config.json asks for them.

import { z } from 'zod';
import type { Rotary } from './blocks/refs.ts';
import { count, refuseConfig } from './config.ts';

/** What says how positions rotate. */
export const ropeSchema = z.looseObject({
  rope_theta: z.number().positive().nullish(),
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  factor: z.number().positive().nullish(),
  low_freq_factor: z.number().positive().nullish(),
  high_freq_factor: z.number().positive().nullish(),
  original_max_position_embeddings: count.nullish(),
});

/** The fields of either layout: transformers 5 writes `rope_parameters`, earlier ones `rope_theta` and `rope_scaling`. */
export const rotaryFields = {
  rope_theta: z.number().positive().nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
};

/** Those fields, parsed. */
export type RotaryConfig = z.output<z.ZodObject<typeof rotaryFields>>;

/** The rotation of heads of a size. @throws ModelError architecture_config_invalid */
export function rotaryOf(config: RotaryConfig, headDim: number): Rotary {
  return { inverseFrequencies: inverseFrequencies(config, headDim) };
}

/**
 * Rotation per position of each pair of a head, in radians, rounded to float32 as the reference models keep it:
 * theta^(-2i/d). `llama3` slows the low frequencies by `factor`, blending between its two wavelength bounds.
 */
function inverseFrequencies(config: RotaryConfig, headDim: number): readonly number[] {
  const rope = { ...config.rope_scaling, ...config.rope_parameters };
  const theta = config.rope_parameters?.rope_theta ?? config.rope_theta ?? 10_000;
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
  return refuseConfig(
    `the rotary scaling ${JSON.stringify(rope)} is incomplete or not implemented`,
    'Implemented are default, linear and llama3',
  );
}
