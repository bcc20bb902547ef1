// The decoder as a graph: one forward path for scoring, generation, training and value searches.

import { add, gather, linearCrossEntropy, mul, scatterRows, scope, softCap, type Tensor } from '@errata/graph';
import { attention, isWhole, type KeysValues, type Rotation, rotationOf, withinWindow } from './blocks/attention.ts';
import { applyMatrix, mlp, normalise, type WeightOf } from './blocks/layers.ts';
import type { NormRef, Rotary } from './blocks/refs.ts';
import type { DecoderGraph, DecoderOptions } from './decoder-graph.ts';
import { buildCrossDecoder, crossHeadLogits } from './encoder-decoder.ts';
import type { BlockRefs, DecoderSpec } from './spec.ts';

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
  if (spec.over) return crossHeadLogits(spec.over, weight, normed);
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

  if (spec.over) return buildCrossDecoder(spec.over, options);

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
  const within = (window: number | undefined, whole: Tensor) => {
    if (window === undefined) return whole;
    const known = narrowed.get(whole) ?? new Map<number, Tensor>();
    const own = known.get(window) ?? withinWindow(whole, window);
    narrowed.set(whole, known.set(window, own));
    return own;
  };
  const biasOf = ({ window }: BlockRefs, layer: number) => {
    const own = typeof bias === 'function' ? bias(layer) : bias;
    return isWhole(own) ? within(window, own) : own.map((block) => within(window, block));
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
