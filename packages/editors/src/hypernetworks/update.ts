// What a trained transform makes of edits: for every map the factors of its change, in one pass.
import { float32, float32Data, type HostTensor, input, int32, type Tensor } from '@errata/graph';
import type { View } from '@errata/models';
import { runPruned } from '../search/programs.ts';
import { type Conditions, conditionedFactors, readEdits, readFeeds, readInput } from './conditioned.ts';
import type { Factors } from './factors.ts';
import { deviations, type TransformSpec, transformed } from './transform.ts';

/** What is asked of one map: by MEND and KE that W gains the product of the two, `[count, inSize]` transposed times `[count, outSize]`; by MALMEN that x W gains d. */
export interface MapUpdate {
  readonly count: number;
  readonly x: Float32Array;
  readonly d: Float32Array;
}

/** What a graph calls the gradient of a parameter. */
export const gradientName = (name: string): string => `d ${name}`;

/** The inputs of a graph that holds a transform, made once each. */
export function transformInputs({ parameters, statistics }: TransformSpec) {
  const known = new Map<string, Tensor>();
  const own = (name: string): Tensor => {
    const dims = parameters.get(name) ?? statistics.get(name.replace('.deviation', '.mean'))!;
    const made = known.get(name) ?? input(`transform ${name}`, 'float32', dims);
    known.set(name, made);
    return made;
  };
  return own;
}

/** Feeds of {@link transformInputs}. */
export function transformFeeds(
  spec: TransformSpec,
  weights: ReadonlyMap<string, Float32Array>,
): Record<string, HostTensor> {
  const feeds: Record<string, HostTensor> = {};
  const feed = (name: string, dims: readonly number[], data: Float32Array) => {
    feeds[`transform ${name}`] = float32(dims, data);
  };
  for (const [name, dims] of spec.parameters) feed(name, dims, weights.get(name)!);
  for (const [shape, { mean, deviation }] of deviations(weights, spec)) {
    feed(`${shape}.mean`, [mean.length], mean);
    feed(`${shape}.deviation`, [mean.length], deviation);
  }
  return feeds;
}

/** Inputs of the factors of one map, of which there are as many as tokens with a gradient. */
export const factorInputs = ({ maps }: TransformSpec, index: number) => {
  const { inSize, outSize } = maps[index]!.matrix;
  const count = `N${index}`;
  return {
    count,
    x: input(`factor_x ${index}`, 'float32', [count, inSize]),
    d: input(`factor_d ${index}`, 'float32', [count, outSize]),
    edits: input(`edit_of_token ${index}`, 'int32', [count]),
  };
};

/** Feeds of {@link factorInputs}, of all maps. */
export function factorFeeds({ maps }: TransformSpec, factors: readonly Factors[]): Record<string, HostTensor> {
  const feeds: Record<string, HostTensor> = {};
  for (const [index, { count, inputs, gradients, edits }] of factors.entries()) {
    const { inSize, outSize } = maps[index]!.matrix;
    feeds[`factor_x ${index}`] = float32([count, inSize], inputs);
    feeds[`factor_d ${index}`] = float32([count, outSize], gradients);
    feeds[`edit_of_token ${index}`] = int32([count], edits);
  }
  return feeds;
}

/** Determines the graphs that a transform is part of, for one model. */
export const transformKey = ({ method, maps, rank }: TransformSpec): string =>
  `${method} ${rank} ${maps.map(({ matrix }) => matrix.weight).join(' ')}`;

/** What a transform makes of factors, as {@link transformed} has it, or {@link conditionedFactors}. @param conditions of KE, the edits in words */
export async function updatesOf(
  view: View,
  spec: TransformSpec,
  weights: ReadonlyMap<string, Float32Array>,
  factors: readonly Factors[],
  conditions?: Conditions,
): Promise<readonly MapUpdate[]> {
  const program = await view.program(`transform ${transformKey(spec)}`, () => {
    const own = transformInputs(spec);
    const conditioned = conditions && conditionedFactors(spec, own, readInput(spec.rank));
    const outputs: Record<string, Tensor> = {};
    for (const [index, map] of spec.maps.entries()) {
      const given = factorInputs(spec, index);
      const { x, d } =
        conditioned?.(index, given.x, given.d, given.edits) ?? transformed(spec, own, map, given.x, given.d);
      outputs[`d ${index}`] = d;
      if (spec.method !== 'malmen') outputs[`x ${index}`] = x;
    }
    return outputs;
  });
  const out = await runPruned(program, {
    ...transformFeeds(spec, weights),
    ...factorFeeds(spec, factors),
    ...(conditions && readFeeds(readEdits(weights, conditions))),
  });
  return factors.map(({ inputs }, index) => {
    const d = float32Data(out[`d ${index}`]!);
    return {
      count: d.length / spec.maps[index]!.matrix.outSize,
      x: spec.method === 'malmen' ? inputs : float32Data(out[`x ${index}`]!),
      d,
    };
  });
}
