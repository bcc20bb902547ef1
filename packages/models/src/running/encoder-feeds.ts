// What graphs over an encoder are fed: tokens, their places, and what is padding.

import { float32, type HostTensor, input } from '@errata/graph';
import { learnedRows, relativeBuckets } from '../architectures/blocks/positions.ts';
import type { DescribedEncoder } from '../architectures/encoder-spec.ts';
import { indices } from './feeds.ts';
import { paddingBias } from './masks.ts';

/** Tokens of a text, or of a pair of texts, with all that the tokenizer puts around them. */
export interface EncoderInput {
  readonly ids: readonly number[];
  /** Which text of a pair each token is of; all of the first if left out. */
  readonly types?: readonly number[];
}

/** Inputs of a graph over an encoder, of symbolic batch B and length S: options of {@link buildEncoder} but for the weights. */
export function encoderInputs(spec: DescribedEncoder) {
  return {
    batch: 'B',
    time: 'S',
    start: { kind: 'ids', ids: input('input_ids', 'int32', ['B*S']) },
    positions: input('input_positions', 'int32', [spec.positions.kind === 'relative' ? 'S*S' : 'B*S']),
    ...(spec.tokenTypes ? { tokenTypes: input('input_types', 'int32', ['B*S']) } : {}),
    bias: input('input_bias', 'float32', ['B', 1, 1, 'S']),
  } as const;
}

/** Feeds of {@link encoderInputs}: the inputs as one rectangle, padded on the right. */
export function encoderFeeds(spec: DescribedEncoder, inputs: readonly EncoderInput[]): Record<string, HostTensor> {
  const { positions } = spec;
  const lengths = inputs.map(({ ids }) => ids.length);
  const time = Math.max(...lengths);
  const padded = (rowOf: (input: EncoderInput) => readonly number[]) => {
    const all = new Int32Array(inputs.length * time);
    for (const [row, each] of inputs.entries()) all.set(rowOf(each), row * time);
    return indices(all);
  };
  const places = Array.from({ length: time }, (_, t) => t);
  return {
    input_ids: padded(({ ids }) => ids),
    input_positions:
      positions.kind === 'relative'
        ? indices(relativeBuckets(positions, places, places, true))
        : padded(({ ids }) => learnedRows(positions, ids)),
    ...(spec.tokenTypes ? { input_types: padded(({ ids, types }) => types ?? ids.map(() => 0)) } : {}),
    input_bias: float32([inputs.length, 1, 1, time], paddingBias(lengths, time)),
  };
}
