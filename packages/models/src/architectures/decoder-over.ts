// An encoder-decoder as versions and editors know it: a decoder over an encoder.

import type { EncoderDecoderSpec } from './encoder-decoder-spec.ts';
import type { DecoderSpec } from './spec.ts';

/** The decoder of an encoder-decoder, over its encoder: what versions and editors know models by. */
export function decoderOver(over: EncoderDecoderSpec): DecoderSpec {
  const { encoder, decoder, family, head, tied, parameters } = over;
  const { positions, norm, ...stack } = decoder;
  return {
    ...stack,
    family,
    // A prompt and what is said to it share the room that either has.
    context: Math.min(encoder.context, decoder.context),
    norm: { kind: decoder.blocks[0]!.mlpNorm.bias === null ? 'rms' : 'layer', epsilon: norm.epsilon },
    positions: positions.kind === 'learned' ? { kind: 'learned', table: positions.table } : { kind: 'relative' },
    // Where norms come behind, the last block's own is the final one.
    finalNorm: decoder.finalNorm ?? decoder.blocks.at(-1)!.mlpNorm,
    head,
    tied,
    over,
    parameters,
  };
}
