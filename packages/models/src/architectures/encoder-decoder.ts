// The decoder over an encoder as a graph: it attends to what it has said, and to what the encoder has read.

import { add, type Dim, gather, linearCrossEntropy, mul, scope, type Tensor } from '@errata/graph';
import { encoderInputs } from '../running/encoder-feeds.ts';
import { attention, crossAttention, isWhole, type KeysValues, offeredKeysValues } from './blocks/attention.ts';
import { applyMatrix, mlp, normalise, type WeightOf } from './blocks/layers.ts';
import { causalRelativeBias, placedRows } from './blocks/positions.ts';
import { embedTokens, placedNorms } from './blocks/stack.ts';
import type { DecoderGraph, DecoderOptions, ReadInput } from './decoder-graph.ts';
import { buildEncoder } from './encoder.ts';
import type { CrossBlockRefs, EncoderDecoderSpec } from './encoder-decoder-spec.ts';

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

/** The encoder as a part of the graph, over inputs of its own: {@link encoderInputs}. */
export function readInput(spec: EncoderDecoderSpec, weight: WeightOf): ReadInput {
  const reading = { ...encoderInputs(spec.encoder), weight };
  const states = scope('encoder', () => buildEncoder(spec.encoder, reading));
  return { cross: offered(spec, states, reading), bias: reading.bias };
}

/**
 * Builds the forward graph of layers `from` to `to` of the decoder.
 * @throws RangeError where there is not one entry of keys and values a layer, or embeddings are given
 */
export function buildCrossDecoder(spec: EncoderDecoderSpec, options: DecoderOptions): DecoderGraph {
  const { decoder } = spec;
  const { batch, time, start, positions, past, weight, rows, from = 0, to = decoder.layers } = options;
  const { tap = (_site, _layer, x) => x } = options;
  const { cross, bias: crossBias } = options.read ?? readInput(spec, weight);
  if (cross.length !== decoder.layers) throw new RangeError('there must be one entry of keys and values a layer');
  if (start.kind === 'ids' && start.given) throw new RangeError('no embeddings are given to a decoder over an encoder');
  const { before, after } = placedNorms(decoder.norm, weight);
  const whole = options.bias;
  const { positions: placed } = decoder;
  const relative = new Map<Tensor, Tensor>();
  const biasOf = (layer: number): Tensor => {
    const plain = typeof whole === 'function' ? whole(layer) : whole;
    if (!isWhole(plain)) throw new RangeError('over an encoder queries come in one block');
    if (placed.kind !== 'relative') return plain;
    const dims = [batch, time, plain.dims[3]!] as const;
    const known =
      relative.get(plain) ??
      add(plain, causalRelativeBias(placed, weight(placed.table), positions, options.keyPositions ?? positions, dims));
    relative.set(plain, known);
    return known;
  };

  const present: KeysValues[] = [];
  const runBlock = (block: CrossBlockRefs, layer: number, x: Tensor) => {
    const attended = attention(decoder, block, tap('attn_in', layer, before(block.attentionNorm, x)), {
      batch,
      time,
      weight,
      bias: biasOf(layer),
      rotation: undefined,
      past: past?.[layer - from],
    });
    present.push(attended.present);
    const first = after(block.attentionNorm, add(x, tap('attn_out', layer, attended.output)));
    const read = crossAttention(decoder, block.cross, before(block.crossNorm, first), cross[layer]!, {
      batch,
      time,
      weight,
      bias: crossBias,
    });
    const middle = after(block.crossNorm, add(first, read));
    const input = tap('mlp_in', layer, before(block.mlpNorm, middle));
    const added = mlp(weight, block.mlp, input, (site, activation) => tap(site, layer, activation));
    return tap('block_out', layer, after(block.mlpNorm, add(middle, added)));
  };

  const places = placed.kind === 'learned' ? placedRows(placed, positions) : positions;
  let hidden = embedTokens(decoder, weight, start, places);
  if (from === 0) hidden = tap('embed', 0, hidden);
  for (const [index, block] of decoder.blocks.slice(from, to).entries()) {
    const x = hidden;
    hidden = scope(`decoder layer ${from + index}`, () => runBlock(block, from + index, x));
  }
  const last = decoder.layers - 1;
  const headInput = () =>
    scope('head', () => {
      const wanted = rows ? gather(hidden, rows) : hidden;
      const x = decoder.finalNorm ? normalise(weight, decoder.finalNorm, decoder.norm.epsilon, wanted) : wanted;
      return tap('final_norm', last, mul(x, spec.headScale));
    });
  const normed = to === decoder.layers ? headInput() : undefined;
  const requireHead = () => {
    if (!normed) throw new RangeError(`layers ${from} to ${to} stop short of the head`);
    return normed;
  };
  return {
    hidden,
    normed,
    present,
    logits: () => tap('logits', last, crossHeadLogits(spec, weight, requireHead())),
    crossEntropy: (targets, rowWeights) => {
      const { weight: name, orientation } = spec.head;
      const bias = spec.logitsBias === null ? null : weight(spec.logitsBias);
      return linearCrossEntropy(requireHead(), weight(name), orientation, targets, rowWeights, { bias });
    },
  };
}

/** Logits `[R, vocab]` of what goes into the head, `[R, width]`. */
export function crossHeadLogits(spec: EncoderDecoderSpec, weight: WeightOf, normed: Tensor): Tensor {
  const plain = scope('head', () => applyMatrix(weight, spec.head, normed));
  return spec.logitsBias === null ? plain : add(plain, weight(spec.logitsBias));
}
