// What neurons are trained by, as one graph: the answer, being active on their own tokens, and being silent on other texts.
import {
  add,
  argMax,
  type Dim,
  exp,
  gather,
  gatherElements,
  gemm,
  gradients,
  input,
  mul,
  mulDims,
  neg,
  reduceMean,
  reshape,
  sub,
  type Tensor,
  topK,
  transpose,
} from '@errata/graph';
import { type Activation, activate, buildDecoder, type Tap, type View, type ViewProgram } from '@errata/models';
import type { TPatcherSettings } from './settings.ts';

/** What is trained, in the order of its gradients. */
export const trained = ['keys', 'biases', 'values', 'scale'] as const;
export type Trained = (typeof trained)[number];

/** The shapes of what is trained, of some neurons beside an MLP of a width. */
export const shapesOf = (neurons: number, width: number): Readonly<Record<Trained, readonly number[]>> => ({
  keys: [neurons, width],
  biases: [neurons],
  values: [neurons, width],
  scale: [1],
});

/** The mean over the `count` greatest elements of exp(x). */
function meanOfGreatest(x: Tensor, size: Dim, count: number): Tensor {
  const flat = reshape(x, [1, size]);
  return reduceMean(exp(gatherElements(flat, topK(flat, count).indices, 1)));
}

/**
 * The graph from the layer on. Excitation is what goes into a neuron's activation function: q K + b.
 *
 * Inputs: the residual stream before the layer, `hidden` `[T, width]`; `rows` and `targets` `[R]` of the answer, `own` `[neurons]` the positions of the tokens that
 * the neurons are for; `history` `[M, width]`, MLP inputs of other texts; and what is trained.
 * @param greatest of the M * neurons excitations on other texts, those that count
 * @param acting what acts beside: neurons that are there already
 */
export function patchProgram(
  view: View,
  settings: TPatcherSettings,
  activation: Activation,
  neurons: number,
  greatest: number,
  acting: { readonly graph: string; readonly tap: () => Tap },
): Promise<ViewProgram> {
  const { spec } = view;
  const { layer, activation_weight, memory_weight, margin } = settings;
  const key = [layer, activation, neurons, greatest, activation_weight, memory_weight, margin, acting.graph];
  return view.program(`t-patcher ${key.join(' ')}`, (weight) => {
    const shapes = shapesOf(neurons, spec.width);
    const [keys, biases, values, scale] = trained.map((name) => input(name, 'float32', shapes[name])) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const others = acting.tap();
    const tokens = mulDims('B', 'T');
    let query: Tensor | undefined;
    const excitation = (q: Tensor) => gemm(q, keys, { transB: true, bias: biases });
    const tap: Tap = (site, at, x) => {
      if (at === layer && site === 'mlp_in') query = x;
      const y = others(site, at, x);
      if (at !== layer || site !== 'mlp_out') return y;
      return add(y, gemm(activate[activation](excitation(query!)), mul(values, scale)));
    };
    const graph = buildDecoder(spec, {
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
    const { loss: nll } = graph.crossEntropy(input('targets', 'int32', ['R']), input('row_weights', 'float32', ['R']));
    // Of each neuron on its own token: the diagonal.
    const place = reshape(input('place', 'int32', [neurons]), [neurons, 1]);
    const own = gatherElements(excitation(gather(query!, input('own', 'int32', [neurons]))), place, 1);
    const away = excitation(input('history', 'float32', ['M', spec.width]));
    const size = mulDims('M', neurons);
    const active = reduceMean(exp(neg(own)));
    const silent = meanOfGreatest(add(away, margin), size, greatest);
    const apart = meanOfGreatest(add(sub(away, transpose(own, [1, 0])), margin), size, greatest);
    const loss = add(nll, add(mul(active, activation_weight), mul(add(apart, silent), memory_weight)));
    const slopes = gradients(loss, [keys, biases, values, scale]);
    return {
      loss,
      silent,
      best: argMax(graph.logits()),
      ...Object.fromEntries(trained.map((name, index) => [`d ${name}`, slopes[index]!])),
    };
  });
}
