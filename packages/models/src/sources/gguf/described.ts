// What a config.json is made from: the metadata of a GGUF file and what there is of tensors.

import type { Metadata } from './metadata.ts';

/** What a description is made from. */
export interface Described {
  readonly metadata: Metadata;
  /** A value of the architecture's own, `llama.block_count` for `block_count`. */
  readonly number: (key: string) => number | undefined;
  readonly need: (key: string) => number;
  /** Rows of the embedding. */
  readonly vocabulary: number;
  readonly has: (tensor: string) => boolean;
  /** Small tensors by which the frequencies of rotary positions are divided. */
  readonly factors: (name: 'rope_freqs' | 'rope_factors_short' | 'rope_factors_long') => Float32Array | undefined;
}
