// What graphs over an encoder are fed: tokens, their places, and what is padding.

import { float32, type HostTensor, input } from '@errata/graph';
import { relativeBuckets } from '../architectures/blocks/relative.ts';
import type { DescribedEncoder } from '../architectures/encoder-spec.ts';
import { indices } from './forward.ts';
import { paddingBias } from './masks.ts';

/** Tokens of a text, or of a pair of texts, with all that the tokenizer puts around them. */
export interface EncoderInput {
  readonly ids: readonly number[];
  /** Which text of a pair each token is of; all of the first if left out. */
  readonly types?: readonly number[];
}

/** Inputs of a graph over an encoder, of symbolic batch B and time T: options of {@link buildEncoder} but for the weights. */
export function encoderInputs(spec: DescribedEncoder) {
  return {
    batch: 'B',
    time: 'T',
    start: { kind: 'ids', ids: input('ids', 'int32', ['B*T']) },
    positions: input('positions', 'int32', [spec.positions.kind === 'relative' ? 'T*T' : 'B*T']),
    ...(spec.tokenTypes ? { tokenTypes: input('token_types', 'int32', ['B*T']) } : {}),
    bias: input('bias', 'float32', ['B', 1, 1, 'T']),
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
    ids: padded(({ ids }) => ids),
    positions:
      positions.kind === 'relative'
        ? indices(relativeBuckets(positions, places, places, true))
        : padded(({ ids }) => {
            let next = positions.first;
            return ids.map((id) => (id === positions.skipped ? id : next++));
          }),
    ...(spec.tokenTypes ? { token_types: padded(({ ids, types }) => types ?? ids.map(() => 0)) } : {}),
    bias: float32([inputs.length, 1, 1, time], paddingBias(lengths, time)),
  };
}
