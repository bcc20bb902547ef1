// What a side matrix is trained by, as one graph: the answer, and how far its outputs lie from those of W_out on the edit and on an unrelated text.
import {
  add,
  cast,
  div,
  gemm,
  gradients,
  input,
  less,
  mulDims,
  reduceSum,
  relu,
  reshape,
  stopGradient,
  sub,
  type Tensor,
  where,
} from '@errata/graph';
import { activationDifference, buildDecoder, type Tap, type View, type ViewProgram, valueMatrix } from '@errata/models';
import type { WiseSettings } from './settings.ts';

/** The mean of those that are above zero; zero where none is. */
function meanOfPositive(x: Tensor): Tensor {
  const count = stopGradient(reduceSum(cast(less(0, x), 'float32')));
  return div(reduceSum(relu(x)), where(less(count, 1), 1, count));
}

/**
 * The graph from the layer on, with the side matrix answering everywhere.
 *
 * Inputs: the residual stream before the layer, `hidden` `[N, width]` of padded sequences; `rows` and `targets` `[R]` of the answers; the change of W_out,
 * `change` `[in, out]`; and what queries are means of: `inside` `[Q, N]`, `outside` `[1, N]`, a row a query.
 */
export function sideProgram(view: View, settings: WiseSettings): Promise<ViewProgram> {
  const { spec } = view;
  const { layer, alpha, beta, gamma } = settings;
  const { inSize, outSize } = valueMatrix(spec, layer);
  const { activation } = spec.blocks[layer]!.mlp;
  return view.program(`wise ${[layer, alpha, beta, gamma].join(' ')}`, (weight) => {
    const change = input('change', 'float32', [inSize, outSize]);
    const tokens = mulDims('B', 'T');
    let key: Tensor | undefined;
    let differences: Tensor | undefined;
    const tap: Tap = (site, at, x) => {
      if (at !== layer) return x;
      if (site === 'mlp_key') key = x;
      if (site !== 'mlp_out') return x;
      const changed = gemm(key!, change);
      differences = activationDifference(activation, x, changed);
      return add(x, changed);
    };
    const { crossEntropy } = buildDecoder(spec, {
      batch: 'B',
      time: 'T',
      start: { kind: 'hidden', hidden: input('hidden', 'float32', [tokens, spec.width]) },
      from: layer,
      positions: input('positions', 'int32', [tokens]),
      bias: input('bias', 'float32', ['B', 1, 'T', 'T']),
      rows: input('rows', 'int32', ['R']),
      weight,
      tap,
    });
    const { loss: nll } = crossEntropy(input('targets', 'int32', ['R']), input('row_weights', 'float32', ['R']));
    const inside = gemm(input('inside', 'float32', ['Q', tokens]), differences!);
    const outside = gemm(input('outside', 'float32', [1, tokens]), differences!);
    const routing = [sub(outside, alpha), sub(beta, inside), add(sub(outside, inside), gamma)].map(meanOfPositive);
    const loss = routing.reduce(add, nll);
    return { loss, differences: reshape(inside, ['Q']), gradient: gradients(loss, [change])[0]! };
  });
}
