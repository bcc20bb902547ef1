// Caches of nothing, on a GPU: onnxruntime's WebGPU provider ends the process at a product over no positions.

import type { HostTensor, HostTensors } from '@errata/graph';
import { hidden } from './masks.ts';

/**
 * Feeds whose caches hold a position at least: where none holds any, one of zeros that `bias` hides stands before all others. Attention
 * weighs it with exactly 0.
 * @param feeds of a program that may go on from `past_key…` and `past_value…`, `[B, kvHeads, P, headDim]`, with `bias` `[B, 1 or heads, T, P+T]`
 */
export function withoutEmptyCaches(feeds: HostTensors): HostTensors {
  const { bias } = feeds;
  const empty = Object.entries(feeds).filter(([name, { dims }]) => /^past_(key|value)/.test(name) && dims[2] === 0);
  if (bias === undefined || empty.length === 0) return feeds;
  const caches = empty.map(([name, { dims }]): readonly [string, HostTensor] => {
    const [batch, heads, , size] = dims as [number, number, number, number];
    return [name, { dtype: 'float32', dims: [batch, heads, 1, size], data: new Float32Array(batch * heads * size) }];
  });
  return { ...feeds, ...Object.fromEntries(caches), bias: behindOneHidden(bias) };
}

/** A bias `[..., seen]` with a hidden position before those that are seen. */
function behindOneHidden({ dims, data }: HostTensor): HostTensor {
  const seen = dims.at(-1)!;
  const rows = dims.slice(0, -1).reduce((a, b) => a * b, 1);
  const wider = new Float32Array(rows * (seen + 1));
  for (let row = 0; row < rows; row++) {
    wider[row * (seen + 1)] = hidden;
    wider.set((data as Float32Array).subarray(row * seen, (row + 1) * seen), row * (seen + 1) + 1);
  }
  return { dtype: 'float32', dims: [...dims.slice(0, -1), seen + 1], data: wider };
}
