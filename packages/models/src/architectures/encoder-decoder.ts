// The decoder over an encoder as a graph: it attends to what it has said, and to what the encoder has read.

import { add, type Dim, gather, mul, scope, type Tensor } from '@errata/graph';
import { attention, crossAttention, type KeysValues, offeredKeysValues } from './blocks/attention.ts';
import { applyMatrix, mlp, normalise, type WeightOf } from './blocks/layers.ts';
import { relativeBias } from './blocks/positions.ts';
import type { BlockSite } from './blocks/sites.ts';
import { embedTokens, placedNorms, type StackStart } from './blocks/stack.ts';
import type { CrossBlockRefs, EncoderDecoderSpec } from './encoder-decoder-spec.ts';

/** Sees the activation at a site of the decoder and returns the one to go on with; `cross_out` is what attention to the encoder adds. */
export type CrossDecoderTap = (
  site: 'embed' | BlockSite | 'cross_out' | 'final_norm' | 'logits',
  layer: number,
  activation: Tensor,
) => Tensor;

/** What the decoder's graph is built from. */
export interface CrossDecoderOptions {
  readonly batch: Dim;
  readonly time: Dim;
  readonly start: StackStart;
  /** Learned positions: each token's row of the table, `[B*T]` int32. Relative: the bucket of every pair, `[T*(P+T)]` int32. */
  readonly positions: Tensor;
  /** Added to the scores of attention to the tokens before, `[B, 1, T, P + T]`: 0 to attend, -1e9 not to. */
  readonly bias: Tensor;
  /** Added to the scores of attention to the encoder's S tokens, `[B, 1, 1, S]`. */
  readonly crossBias: Tensor;
  /** Keys and values of the encoder's tokens, one entry a layer: {@link offered}. */
  readonly cross: readonly KeysValues[];
  /** Cached keys and values of P earlier positions, one entry a layer. */
  readonly past?: readonly KeysValues[];
  readonly weight: WeightOf;
  /** Rows of the B*T to compute logits for, `[R]` int32; all when left out. */
  readonly rows?: Tensor;
  readonly tap?: CrossDecoderTap;
}

/** The built graph. */
export interface CrossDecoderGraph {
  /** Input of the head, normalised and scaled, `[R, width]`. */
  readonly normed: Tensor;
  /** `[R, vocab]`, made when asked for. */
  readonly logits: () => Tensor;
  /** Keys and values of the new positions, one entry a layer. */
  readonly present: readonly KeysValues[];
}

/** Keys and values that an encoder's last states (`[B*S, width]`) offer to each layer of the decoder, `[B, heads, S, headDim]`. */
export function offered(
  { decoder }: EncoderDecoderSpec,
  states: Tensor,
  options: { readonly batch: Dim; readonly time: Dim; readonly weight: WeightOf },
): readonly KeysValues[] {
  return decoder.blocks.map((block, layer) =>
    scope(`cross ${layer}`, () => offeredKeysValues(decoder, block.cross, states, options)),
  );
}

/**
 * Builds the forward graph of the decoder.
 * @throws RangeError where there is not one entry a layer
 */
export function buildCrossDecoder(spec: EncoderDecoderSpec, options: CrossDecoderOptions): CrossDecoderGraph {
  const { decoder } = spec;
  const {
    batch,
    time,
    start,
    positions,
    crossBias,
    cross,
    past,
    weight,
    rows,
    tap = (_site, _layer, x) => x,
  } = options;
  if (cross.length !== decoder.layers || (past && past.length !== decoder.layers))
    throw new RangeError('there must be one entry of keys and values a layer');
  const { before, after } = placedNorms(decoder.norm, weight);
  const seen = options.bias.dims[3]!;
  const bias =
    decoder.positions.kind === 'relative'
      ? add(options.bias, relativeBias(weight(decoder.positions.table), positions, time, seen))
      : options.bias;

  const present: KeysValues[] = [];
  const runBlock = (block: CrossBlockRefs, layer: number, x: Tensor) => {
    const attended = attention(decoder, block, tap('attn_in', layer, before(block.attentionNorm, x)), {
      batch,
      time,
      weight,
      bias,
      rotation: undefined,
      past: past?.[layer],
    });
    present.push(attended.present);
    const first = after(block.attentionNorm, add(x, tap('attn_out', layer, attended.output)));
    const read = crossAttention(decoder, block.cross, before(block.crossNorm, first), cross[layer]!, {
      batch,
      time,
      weight,
      bias: crossBias,
    });
    const middle = after(block.crossNorm, add(first, tap('cross_out', layer, read)));
    const input = tap('mlp_in', layer, before(block.mlpNorm, middle));
    const added = mlp(weight, block.mlp, input, (site, activation) => tap(site, layer, activation));
    return tap('block_out', layer, after(block.mlpNorm, add(middle, added)));
  };

  let hidden = tap('embed', 0, embedTokens(decoder, weight, start, positions));
  for (const [layer, block] of decoder.blocks.entries()) {
    const x = hidden;
    hidden = scope(`decoder layer ${layer}`, () => runBlock(block, layer, x));
  }
  const last = decoder.layers - 1;
  const normed = scope('head', () => {
    const wanted = rows ? gather(hidden, rows) : hidden;
    const x = decoder.finalNorm ? normalise(weight, decoder.finalNorm, decoder.norm.epsilon, wanted) : wanted;
    return tap('final_norm', last, mul(x, spec.headScale));
  });
  return {
    normed,
    present,
    logits: () => {
      const plain = scope('head', () => applyMatrix(weight, spec.head, normed));
      return tap('logits', last, spec.logitsBias === null ? plain : add(plain, weight(spec.logitsBias)));
    },
  };
}
