// The decoder as a graph: one forward path for scoring, generation, training and value searches.

import {
  add,
  type Dim,
  gather,
  linearCrossEntropy,
  mul,
  scatterRows,
  scope,
  softCap,
  type Tensor,
} from '@errata/graph';
import { attention, type KeysValues, type Rotation, rotationOf, withinWindow } from './blocks/attention.ts';
import { applyMatrix, mlp, normalise, type WeightOf } from './blocks/layers.ts';
import type { NormRef, Rotary } from './blocks/refs.ts';
import { blockSites } from './blocks/sites.ts';
import type { BlockRefs, DecoderSpec } from './spec.ts';

/**
 * Named places in a decoder where activations are recorded or replaced; `[B*T, n]` unless said.
 *
 * | site | what it is | n |
 * |---|---|---|
 * | `embed` | input of the first block | width |
 * | `attn_in` | input of attention | width |
 * | `attn_out` | what attention adds to the residual stream | width |
 * | `mlp_in` | input of the MLP | width |
 * | `mlp_pre` | what the activation function takes (the gate's, in a gated MLP) | mlpWidth |
 * | `mlp_up` | what the activation is multiplied with, in a gated MLP | mlpWidth |
 * | `mlp_key` | input of W_out | mlpWidth |
 * | `mlp_out` | output of W_out, what the MLP adds to the residual stream where no norm is behind it | width |
 * | `block_out` | residual stream after the block | width |
 * | `final_norm` | input of the head, wanted rows only, `[R, n]` | width |
 * | `logits` | output of the head, `[R, n]` | vocab |
 */
export const sites = ['embed', ...blockSites, 'final_norm', 'logits'] as const;

/** One of the {@link sites}. */
export type Site = (typeof sites)[number];

/** Sees the activation at a site and returns the one to go on with. Layer 0 for `embed`, the last for the final sites. */
export type Tap = (site: Site, layer: number, activation: Tensor) => Tensor;

/** Where the forward pass begins. */
export type DecoderStart =
  /** Token ids, `[B*T]` int32. Some rows' embeddings may be `given` instead, `[S, width]`, neither scaled nor positions added; no row twice. */
  | {
      readonly kind: 'ids';
      readonly ids: Tensor;
      readonly given?: { readonly rows: Tensor; readonly embeddings: Tensor };
    }
  /** Input of the first block: embeddings as they are scaled, positions added where they are learned, `[B*T, width]`. */
  | { readonly kind: 'embedded'; readonly embedded: Tensor }
  /** The residual stream before layer `from`, `[B*T, width]`: the suffix graph. */
  | { readonly kind: 'hidden'; readonly hidden: Tensor };

/** What the decoder's graph is built from. */
export interface DecoderOptions {
  readonly batch: Dim;
  readonly time: Dim;
  readonly start: DecoderStart;
  /** Position of each token in its sequence, `[B*T]` int32. */
  readonly positions: Tensor;
  /** Added to the attention scores, `[B, 1, T, P + T]`: 0 to attend, -1e9 not to. One for all layers, or by layer; windows narrow it. */
  readonly bias: Tensor | ((layer: number) => Tensor);
  readonly weight: WeightOf;
  /** Cached keys and values of P earlier positions, one entry a layer of the range. */
  readonly past?: readonly KeysValues[];
  /** First layer, default 0; above 0 the start must be `hidden`. */
  readonly from?: number;
  /** Layer to stop before, default all; short of all there is no head. */
  readonly to?: number;
  /** Rows of the B*T to compute logits for, `[R]` int32; all when left out. */
  readonly rows?: Tensor;
  readonly tap?: Tap;
}

/** The built graph. */
export interface DecoderGraph {
  /** Residual stream after the last layer of the range, `[B*T, width]`. */
  readonly hidden: Tensor;
  /** Normalised input of the head, `[R, width]`; undefined where the range stops short. */
  readonly normed: Tensor | undefined;
  /** `[R, vocab]`, made when asked for, so that a loss on `normed` need not build them. */
  readonly logits: () => Tensor;
  /**
   * Cross-entropy of the `[R]` int32 targets with a weight a row, as linearCrossEntropy has it: what to take the gradient of
   * without building the logits' own.
   */
  readonly crossEntropy: (targets: Tensor, rowWeights: Tensor) => ReturnType<typeof linearCrossEntropy>;
  /** Keys and values of the new positions, one entry a layer of the range. */
  readonly present: readonly KeysValues[];
}

function embed(spec: DecoderSpec, { start, positions, weight }: DecoderOptions): Tensor {
  if (start.kind === 'hidden') return start.hidden;
  if (start.kind === 'embedded') return start.embedded;
  const looked = gather(weight(spec.tokenEmbedding), start.ids);
  const found = start.given ? scatterRows(looked, start.given.rows, start.given.embeddings) : looked;
  const tokens = spec.embeddingScale === undefined ? found : mul(found, spec.embeddingScale);
  return spec.positions.kind === 'learned' ? add(tokens, gather(weight(spec.positions.table), positions)) : tokens;
}

/** What a layer adds to the residual stream where its MLP puts out this, `[rows, width]`: what a norm behind it makes of it. */
export function addedByMlp(spec: DecoderSpec, layer: number, weight: WeightOf, output: Tensor): Tensor {
  const norm = spec.blocks[layer]!.mlpOutputNorm;
  return norm ? normalise(weight, norm, spec.norm.epsilon, output) : output;
}

/** Logits `[R, vocab]` of what the final norm puts out, `[R, width]`. */
export function headLogits(spec: DecoderSpec, weight: WeightOf, normed: Tensor): Tensor {
  const logits = applyMatrix(weight, spec.head, normed);
  return spec.logitCap === undefined ? logits : softCap(logits, spec.logitCap);
}

/**
 * Builds the forward graph of layers `from` to `to`.
 * @throws RangeError for a layer range outside the model, or one that does not fit the start or the cache
 */
export function buildDecoder(spec: DecoderSpec, options: DecoderOptions): DecoderGraph {
  const { batch, time, weight, bias, past, from = 0, to = spec.layers, rows, tap = (_site, _layer, x) => x } = options;
  if (!(0 <= from && from <= to && to <= spec.layers))
    throw new RangeError(`layers ${from} to ${to} are not a range of this model's ${spec.layers}`);
  if (from > 0 && options.start.kind !== 'hidden') throw new RangeError('a suffix starts from hidden states');
  if (past && past.length !== to - from) throw new RangeError('the cache must have one entry a layer of the range');

  const norm = (ref: NormRef | undefined, x: Tensor) => (ref ? normalise(weight, ref, spec.norm.epsilon, x) : x);
  const rotations = new Map<Rotary, Rotation>();
  const rotationIn = ({ rotary }: BlockRefs) => {
    if (rotary === undefined) return undefined;
    const rotation = rotations.get(rotary) ?? rotationOf(rotary, spec.headDim, options.positions);
    rotations.set(rotary, rotation);
    return rotation;
  };
  const present: KeysValues[] = [];
  const narrowed = new Map<Tensor, Map<number, Tensor>>();
  const biasOf = ({ window }: BlockRefs, layer: number) => {
    const whole = typeof bias === 'function' ? bias(layer) : bias;
    if (window === undefined) return whole;
    const known = narrowed.get(whole) ?? new Map<number, Tensor>();
    const own = known.get(window) ?? withinWindow(whole, window);
    narrowed.set(whole, known.set(window, own));
    return own;
  };
  const runBlock = (block: BlockRefs, layer: number, hidden: Tensor) => {
    const attended = attention(spec, block, tap('attn_in', layer, norm(block.attentionNorm, hidden)), {
      batch,
      time,
      weight,
      bias: biasOf(block, layer),
      rotation: rotationIn(block),
      past: past?.[layer - from],
    });
    present.push(attended.present);
    const middle = add(hidden, tap('attn_out', layer, norm(block.attentionOutputNorm, attended.output)));
    const input = tap('mlp_in', layer, norm(block.mlpNorm, block.parallel ? hidden : middle));
    const output = mlp(weight, block.mlp, input, (site, x) => tap(site, layer, x));
    return tap('block_out', layer, add(middle, addedByMlp(spec, layer, weight, output)));
  };

  let hidden = embed(spec, options);
  if (from === 0) hidden = tap('embed', 0, hidden);
  for (const [index, block] of spec.blocks.slice(from, to).entries()) {
    const layer = from + index;
    const before = hidden;
    hidden = scope(`layer ${layer}`, () => runBlock(block, layer, before));
  }
  const last = spec.layers - 1;
  const wanted = rows ? () => gather(hidden, rows) : () => hidden;
  const normed =
    to === spec.layers
      ? tap(
          'final_norm',
          last,
          scope('head', () => norm(spec.finalNorm, wanted())),
        )
      : undefined;
  const headInput = () => {
    if (!normed) throw new RangeError(`layers ${from} to ${to} stop short of the head`);
    return normed;
  };
  return {
    hidden,
    normed,
    present,
    logits: () => {
      const input = headInput();
      return tap(
        'logits',
        last,
        scope('head', () => headLogits(spec, weight, input)),
      );
    },
    crossEntropy: (targets, rowWeights) => {
      const { weight: name, bias: biasName, orientation } = spec.head;
      const options = { bias: biasName === null ? null : weight(biasName), cap: spec.logitCap };
      return linearCrossEntropy(headInput(), weight(name), orientation, targets, rowWeights, options);
    },
  };
}
