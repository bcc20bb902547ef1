// How positions rotate, as a config.json says it, from what a GGUF file says.

import { plainFrequencies } from '../../architectures/rotary.ts';
import { ModelError } from '../../errors.ts';
import type { Described } from './described.ts';

function refuse(what: string): never {
  throw new ModelError('gguf_unsupported', {
    where: 'the metadata of the file',
    what,
    hint: 'Take the model in Hugging Face layout',
  });
}

/** What Llama 3.1 and 3.2 keep as the divisor of each frequency: the llama3 scaling of rotary positions with these bounds. */
const llama3 = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

/** @throws ModelError gguf_unsupported */
export function ropeScaling({ number, metadata, factors, need }: Described): Readonly<Record<string, unknown>> {
  const divisors = factors('rope_freqs');
  const theta = number('rope.freq_base') ?? 10_000;
  if (divisors !== undefined) {
    const factor = Math.max(...divisors);
    const expected = plainFrequencies(theta, 2 * divisors.length).map((frequency) => {
      const turns = (llama3.original_max_position_embeddings * frequency) / (2 * Math.PI);
      if (turns > llama3.high_freq_factor) return 1;
      if (turns < llama3.low_freq_factor) return factor;
      const smooth = (turns - llama3.low_freq_factor) / (llama3.high_freq_factor - llama3.low_freq_factor);
      return 1 / ((1 - smooth) / factor + smooth);
    });
    if (expected.some((divisor, i) => Math.abs(divisor / divisors[i]! - 1) > 1e-4))
      refuse('its frequencies are divided otherwise than by the llama3 scaling from 8192 positions');
    return { rope_scaling: { rope_type: 'llama3', factor, ...llama3 } };
  }
  const architecture = metadata.text('general.architecture');
  const type = metadata.text(`${architecture}.rope.scaling.type`) ?? 'none';
  const factor = number('rope.scaling.factor');
  if (type === 'none' || factor === undefined || type === 'longrope') return {};
  if (type === 'linear') return { rope_scaling: { rope_type: 'linear', factor } };
  const original = number('rope.scaling.original_context_length') ?? need('context_length');
  if (type === 'yarn')
    return { rope_scaling: { rope_type: 'yarn', factor, original_max_position_embeddings: original } };
  return refuse(`its positions are scaled by ${JSON.stringify(type)}`);
}

/** Phi-3's long contexts: a divisor for each frequency in short texts, and another in long ones. */
export function longRope({ number, factors, need }: Described): Readonly<Record<string, unknown>> {
  const [short, long] = [factors('rope_factors_short'), factors('rope_factors_long')];
  if (short === undefined || long === undefined) return {};
  const attention = number('rope.scaling.attn_factor');
  return {
    original_max_position_embeddings: number('rope.scaling.original_context_length') ?? need('context_length'),
    rope_scaling: {
      type: 'longrope',
      short_factor: [...short],
      long_factor: [...long],
      ...(attention !== undefined && { attention_factor: attention }),
    },
  };
}
