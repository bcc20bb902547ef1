// The outer loss of a gradient transform as one graph: edited by what it makes of gradients, does the model say the new, and else the same?
import {
  add,
  addDims,
  cast,
  equal,
  exp,
  gatherElements,
  gemm,
  gradients,
  input,
  logSoftmax,
  mul,
  neg,
  reduceSum,
  reshape,
  slice,
  sub,
  type Tensor,
} from '@errata/graph';
import { buildDecoder, type DecoderSpec, type Tap, type WeightSource } from '@errata/models';
import { type TransformSpec, transformed } from '../../hypernetworks/transform.ts';
import { factorInputs, transformInputs } from '../../hypernetworks/update.ts';
import { sequenceInputs } from '../../search/tracer.ts';

/** The terms of the loss. */
export const outerTerms = ['generality', 'locality'] as const;

export const gradientName = (name: string): string => `d ${name}`;

/**
 * Makes every update act on its own sequences: x W + (x X~^T * M) D~, with M 1 where a token of a sequence and one of the gradient are of the same
 * update. It is the change of W, without a W for each of them.
 */
function updatingTap(spec: TransformSpec, own: (name: string) => Tensor): Tap {
  const tokens = sequenceInputs().positions.dims[0]!;
  const updateOfRow = reshape(input('update_of_row', 'int32', [tokens]), [tokens, 1]);
  const acting = spec.maps.map((map, index) => {
    const given = factorInputs(spec, index);
    const { x, d, rate } = transformed(spec, own, map, given.x, given.d);
    const updateOfToken = reshape(input(`update_of_token ${index}`, 'int32', [given.count]), [1, given.count]);
    return { map, x, d: neg(mul(d, rate)), mask: cast(equal(updateOfRow, updateOfToken), 'float32') };
  });
  const taken = new Map<string, Tensor>();
  return (site, layer, activation) => {
    taken.set(`${site} ${layer}`, activation);
    const found = acting.find(({ map }) => map.layer === layer && map.outputs.includes(site));
    if (found === undefined) return activation;
    const { map, x, d, mask } = found;
    const along = mul(gemm(taken.get(`${map.input} ${layer}`)!, x, { transB: true }), mask);
    const size = map.matrix.outSize / map.outputs.length;
    const from = map.outputs.indexOf(site) * size;
    return add(activation, gemm(along, slice(d, 1, from, from + size)));
  };
}

/**
 * Loss, terms, and the gradients of all parameters.
 *
 * Beside the factors and the sequences its inputs are `rows` `[R]` with their `targets` `[R, 1]` and `row_weights` `[R]`, and `locality_rows` `[L]`
 * with `before` `[L, vocabulary]` and `locality_weights` `[L]`.
 * @param weight the model's, frozen
 */
export function outerGraph(
  spec: TransformSpec,
  decoder: DecoderSpec,
  weight: WeightSource,
  { edit_weight, locality_weight }: { readonly edit_weight: number; readonly locality_weight: number },
): Readonly<Record<string, Tensor>> {
  const own = transformInputs(spec);
  const { logits } = buildDecoder(decoder, {
    ...sequenceInputs(),
    rows: input('all_rows', 'int32', [addDims('R', 'L')]),
    weight,
    tap: updatingTap(spec, own),
  });
  const all = logSoftmax(logits());
  const picked = gatherElements(slice(all, 0, 0, 'R'), input('targets', 'int32', ['R', 1]), 1);
  const generality = neg(reduceSum(mul(reshape(picked, ['R']), input('row_weights', 'float32', ['R']))));
  const after = slice(all, 0, 'R', addDims('R', 'L'));
  const before = input('before', 'float32', ['L', decoder.vocab]);
  const divergence = reduceSum(mul(exp(before), sub(before, after)), [1]);
  const locality = reduceSum(mul(divergence, input('locality_weights', 'float32', ['L'])));
  const loss = add(mul(generality, edit_weight), mul(locality, locality_weight));
  const names = [...spec.parameters.keys()];
  const slopes = gradients(loss, names.map(own));
  return {
    loss,
    generality,
    locality,
    ...Object.fromEntries(names.map((name, index) => [gradientName(name), slopes[index]!])),
  };
}
