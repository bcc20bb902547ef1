// Side memories in the forward graph: where their outputs differ from W_out's by more than their thresholds, theirs go on.

import {
  add,
  div,
  fill,
  float32,
  gather,
  gemm,
  input,
  less,
  reduceSum,
  reshape,
  scatterElementsAdd,
  scatterRows,
  sqrt,
  square,
  sub,
  type Tensor,
  where,
} from '@errata/graph';
import { activate } from '../../architectures/blocks/layers.ts';
import type { Activation } from '../../architectures/blocks/refs.ts';
import type { Tap } from '../../architectures/decoder-graph.ts';
import type { ActivationReading, PromptInputs } from '../reading.ts';
import { type Side, type SideMemory, sideName } from './sides.ts';
import { denseOf } from './sparse.ts';

const feedName = (memory: SideMemory, part: string, side: number) => `side_${part}.${sideName(memory)}.${side}`;

/** Matrices of the sides that were read. */
const matrices = new WeakMap<Side, Float32Array>();

function matrixOf(side: Side, size: number): Float32Array {
  const matrix = matrices.get(side) ?? denseOf(side, size);
  matrices.set(side, matrix);
  return matrix;
}

/** How side memories are read: a prompt by the mean over its tokens, and every token that belongs to none by itself. */
export function sideReading(memory: SideMemory): ActivationReading | null {
  const { layer, inSize, outSize, sides } = memory;
  if (sides.length === 0) return null;
  const feeds = sides.flatMap((side, i) => [
    [feedName(memory, 'change', i), float32([inSize, outSize], matrixOf(side, inSize * outSize))] as const,
    [feedName(memory, 'threshold', i), float32([1, 1], Float32Array.of(side.threshold))] as const,
  ]);
  return {
    at: 'activation',
    layer,
    everywhere: true,
    graph: `sides.${sideName(memory)}.${sides.length}`,
    tap: (prompts) => sideTap(memory, prompts),
    feeds: Object.fromEntries(feeds),
  };
}

/** ||f(y + change) - f(y)|| of every token, `[N, 1]`; where nothing differs its gradient is zero. */
export function activationDifference(activation: Activation, output: Tensor, change: Tensor): Tensor {
  const f = activate[activation];
  const squared = reduceSum(square(sub(f(add(output, change)), f(output))), [1], true);
  const differs = less(0, squared);
  return where(differs, sqrt(where(differs, squared, 1)), 0);
}

function sideTap(memory: SideMemory, prompts: PromptInputs): Tap {
  const { layer, inSize, outSize, activation, sides } = memory;
  let key: Tensor | undefined;
  return (site, at, x) => {
    if (at !== layer) return x;
    if (site === 'mlp_key') key = x;
    if (site !== 'mlp_out') return x;
    let [answer, most] = [x, fill(0, [x.dims[0]!, 1], 'float32')];
    for (const i of sides.keys()) {
      const change = gemm(key!, input(feedName(memory, 'change', i), 'float32', [inSize, outSize]));
      const difference = ofQueries(activationDifference(activation, x, change), prompts);
      const threshold = input(feedName(memory, 'threshold', i), 'float32', [1, 1]);
      const heard = where(less(threshold, difference), difference, 0);
      answer = where(less(most, heard), add(x, change), answer);
      most = where(less(most, heard), heard, most);
    }
    return answer;
  };
}

/** The differences of tokens, `[N, 1]`, with the mean over its prompt in place of that of each token of one. */
function ofQueries(differences: Tensor, { last, before, of }: PromptInputs): Tensor {
  const each = reshape(differences, [differences.dims[0]!]);
  const ones = (indices: Tensor) => fill(1, [indices.dims[0]!], 'float32');
  const sums = scatterElementsAdd(gather(each, last), of, gather(each, before), 0);
  const means = div(sums, scatterElementsAdd(ones(last), of, ones(before), 0));
  const column = (x: Tensor) => reshape(x, [x.dims[0]!, 1]);
  return scatterRows(scatterRows(differences, last, column(means)), before, column(gather(means, of)));
}
