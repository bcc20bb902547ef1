// The encoder as a graph: every token attends to all that the mask shows, in both directions.

import { add, type Dim, scope, type Tensor } from '@errata/graph';
import { attention } from './blocks/attention.ts';
import { mlp, normalise, type WeightOf } from './blocks/layers.ts';
import { relativeBias } from './blocks/positions.ts';
import type { BlockSite } from './blocks/sites.ts';
import { embedTokens, placedNorms, type StackStart } from './blocks/stack.ts';
import type { DescribedEncoder, EncoderBlockRefs } from './encoder-spec.ts';

/**
 * Sees the activation at a site and returns the one to go on with. `embed` of layer 0 is the input of the first block; where
 * norms come after, `attn_in` and `mlp_in` are the residual stream, which the norm before them has left.
 */
export type EncoderTap = (site: 'embed' | BlockSite, layer: number, activation: Tensor) => Tensor;

/** What the encoder's graph is built from. */
export interface EncoderOptions {
  readonly batch: Dim;
  readonly time: Dim;
  readonly start: StackStart;
  /** Learned positions: each token's row of the table, `[B*T]` int32. Relative: the bucket of every pair, `[T*T]` int32. */
  readonly positions: Tensor;
  /** `[B*T]` int32, where the family has token types. */
  readonly tokenTypes?: Tensor;
  /** Added to the attention scores, `[B, 1, 1, T]`: 0 for a token to attend to, -1e9 for padding. */
  readonly bias: Tensor;
  readonly weight: WeightOf;
  /** Layer to stop before, default all; short of all there is no final norm. */
  readonly to?: number;
  readonly tap?: EncoderTap;
}

function typesOf({ tokenTypes: spec }: DescribedEncoder, rows: Tensor | undefined) {
  if (!spec) return undefined;
  if (!rows) throw new RangeError('this encoder takes token types');
  return { table: spec.table, rows };
}

/**
 * Builds the forward graph of an encoder.
 * @returns the residual stream after the last layer, `[B*T, width]`, normalised where the family has a final norm
 * @throws RangeError for more layers than there are, or no token types where the family has some
 */
export function buildEncoder(spec: DescribedEncoder, options: EncoderOptions): Tensor {
  const { batch, time, start, positions, weight, to = spec.layers, tap = (_site, _layer, x) => x } = options;
  if (!(0 <= to && to <= spec.layers)) throw new RangeError(`this encoder has ${spec.layers} layers, not ${to}`);
  const { before, after } = placedNorms(spec.norm, weight);
  const bias =
    spec.positions.kind === 'relative'
      ? add(options.bias, relativeBias(weight(spec.positions.table), positions, time, time))
      : options.bias;

  const runBlock = (block: EncoderBlockRefs, layer: number, x: Tensor) => {
    const attended = attention(spec, block, tap('attn_in', layer, before(block.attentionNorm, x)), {
      batch,
      time,
      weight,
      bias,
      rotation: undefined,
      past: undefined,
    });
    const middle = after(block.attentionNorm, add(x, tap('attn_out', layer, attended.output)));
    const input = tap('mlp_in', layer, before(block.mlpNorm, middle));
    const added = mlp(weight, block.mlp, input, (site, activation) => tap(site, layer, activation));
    return tap('block_out', layer, after(block.mlpNorm, add(middle, added)));
  };

  const types = start.kind === 'hidden' ? undefined : typesOf(spec, options.tokenTypes);
  let hidden = tap('embed', 0, embedTokens(spec, weight, start, positions, types));
  for (const [layer, block] of spec.blocks.slice(0, to).entries()) {
    const x = hidden;
    hidden = scope(`layer ${layer}`, () => runBlock(block, layer, x));
  }
  return to === spec.layers && spec.finalNorm ? normalise(weight, spec.finalNorm, spec.norm.epsilon, hidden) : hidden;
}
