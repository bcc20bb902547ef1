// The graph of a decoder: what it is built from, the places in it, and what comes out.

import type { Dim, linearCrossEntropy, Tensor } from '@errata/graph';
import type { Bias, KeysValues } from './blocks/attention.ts';
import type { WeightOf } from './blocks/layers.ts';
import { blockSites } from './blocks/sites.ts';

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
  /** Input of the first block: embeddings as they are scaled, positions added where they are learned (over an encoder nothing yet), `[B*T, width]`. */
  | { readonly kind: 'embedded'; readonly embedded: Tensor }
  /** The residual stream before layer `from`, `[B*T, width]`: the suffix graph. */
  | { readonly kind: 'hidden'; readonly hidden: Tensor };

/** What an encoder has read, as the layers over it attend to it. */
export interface ReadInput {
  /** Keys and values of its S tokens, `[B, heads, S, headDim]` each, one entry a layer: {@link offered}. */
  readonly cross: readonly KeysValues[];
  /** Added to the scores, `[B, 1, 1 or T, S]`: 0 to attend, -1e9 not to. */
  readonly bias: Tensor;
}

/** What the decoder's graph is built from. */
export interface DecoderOptions {
  readonly batch: Dim;
  readonly time: Dim;
  readonly start: DecoderStart;
  /** Position of each token in its sequence, `[B*T]` int32. */
  readonly positions: Tensor;
  /**
   * Added to the attention scores, `[B, 1, T, P + T]`: 0 to attend, -1e9 not to. One for all layers, or by layer; windows narrow it. Not over
   * an encoder, it may come by blocks of queries.
   */
  readonly bias: Bias | ((layer: number) => Tensor);
  readonly weight: WeightOf;
  /** Cached keys and values of P earlier positions, one entry a layer of the range. */
  readonly past?: readonly KeysValues[];
  /** First layer, default 0; above 0 the start must be `hidden`. */
  readonly from?: number;
  /** Layer to stop before, default all; short of all there is no head. */
  readonly to?: number;
  /** Over an encoder: what that has read. Where it is left out the encoder is a part of the graph, over inputs that encoderInputs names. */
  readonly read?: ReadInput;
  /** Over an encoder, behind cached positions: the position of each of the P + T, `[B*P+B*T]` int32. */
  readonly keyPositions?: Tensor;
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
