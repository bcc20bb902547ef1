// One step of training a shift transform: many edits made at once by least squares, and what they do together (Tan et al. 2024, section 3.2 and algorithm 1).
import {
  add,
  float32,
  float32Data,
  gemm,
  gradients,
  input,
  type Matrix,
  matrix,
  mul,
  multiply,
  reduceSum,
  type Tensor,
} from '@errata/graph';
import type { DecoderSpec, View, WeightSource } from '@errata/models';
import { type Factors, readFactors } from '../../hypernetworks/factors.ts';
import { gainingTap, type OuterWeights, outerFeeds, outerLoss, outerTerms } from '../../hypernetworks/outer-loss.ts';
import type { TransformInput, TransformStepper } from '../../hypernetworks/training.ts';
import { countFactors, ridgesName, type TransformSpec, transformed } from '../../hypernetworks/transform.ts';
import { stacked } from '../../hypernetworks/transform-deltas.ts';
import {
  factorFeeds,
  factorInputs,
  gradientName,
  type MapUpdate,
  transformFeeds,
  transformInputs,
  transformKey,
  updatesOf,
} from '../../hypernetworks/update.ts';
import { inRuns } from '../../methods/one-pass-editor.ts';
import { runPruned } from '../../search/programs.ts';
import { solveByKeys } from '../../solve/ridge.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { itemSequence } from '../../training/records.ts';
import type { ShiftTraining } from './request.ts';

const shiftName = (index: number): string => `shift ${index}`;

/** Loss and terms of the model with its maps shifted, and the gradients of all shifts `[inSize, outSize]`. */
function shiftedGraph(
  { maps }: TransformSpec,
  decoder: DecoderSpec,
  weight: WeightSource,
  weights: OuterWeights,
): Readonly<Record<string, Tensor>> {
  const shifts = maps.map(({ matrix: { inSize, outSize } }, index) =>
    input(shiftName(index), 'float32', [inSize, outSize]),
  );
  const found = outerLoss(
    decoder,
    weight,
    gainingTap(maps, (index, x) => gemm(x, shifts[index]!)),
    weights,
  );
  const slopes = gradients(found.loss, shifts);
  return { ...found, ...Object.fromEntries(slopes.map((slope, index) => [gradientName(shiftName(index)), slope])) };
}

/** Gradients of the networks' parameters, given those of what is asked for each token, `slope` of a map `[N, outSize]`. */
function networkGraph(spec: TransformSpec): Readonly<Record<string, Tensor>> {
  const own = transformInputs(spec);
  const sums = spec.maps.map((map, index) => {
    const given = factorInputs(spec, index);
    const { d } = transformed(spec, own, map, given.x, given.d);
    return reduceSum(mul(d, input(`slope ${index}`, 'float32', [given.count, map.matrix.outSize])));
  });
  const names = networkParameters(spec);
  const slopes = gradients(
    sums.reduce((a, b) => add(a, b)),
    names.map(own),
  );
  return Object.fromEntries(names.map((name, index) => [gradientName(name), slopes[index]!]));
}

/** What is learned by way of what is asked for tokens: all but the ridges. */
const networkParameters = ({ parameters }: TransformSpec): readonly string[] =>
  [...parameters.keys()].filter((name) => name !== ridgesName);

/** What is asked of one map by all tokens, and the shift that answers. */
interface Solution {
  /** U, `[u, inSize]`. */
  readonly keys: Matrix;
  readonly ridge: number;
  /** Q = (U U^T + ridge I)^-1 D, `[u, outSize]`. */
  readonly solved: Matrix;
  /** U^T Q. */
  readonly shift: Matrix;
}

async function solutionOf(
  { maps }: TransformSpec,
  weights: ReadonlyMap<string, Float32Array>,
  updates: readonly (readonly MapUpdate[])[],
  index: number,
): Promise<Solution> {
  const { inSize, outSize } = maps[index]!.matrix;
  const theirs = updates.map((ofRun) => ofRun[index]!);
  const keys = stacked(theirs, 'x', inSize);
  const ridge = Math.exp(weights.get(ridgesName)![index]!);
  const solved = await solveByKeys(keys, stacked(theirs, 'd', outSize), ridge);
  return { keys, ridge, solved, shift: await multiply(keys, solved, { transA: true }) };
}

/**
 * Back through the normal equations: of the gradient G of the shift those of D, P = (U U^T + ridge I)^-1 U G, and of the ridge's logarithm,
 * -ridge sum(P * Q). Theirs are U M and -ridge sum(M * S) with M = (U^T U + ridge I)^-1 G and S the shift: the same, by as many equations as there are tokens.
 */
async function backThrough({ keys, ridge, solved }: Solution, slope: Matrix) {
  const asked = await solveByKeys(keys, await multiply(keys, slope), ridge);
  const sum = asked.data.reduce((total, p, at) => total + p * solved.data[at]!, 0);
  return { asked, ridge: -ridge * sum };
}

/** Adds in place. */
function addTo(sum: Float32Array | Float64Array, values: Float32Array, factor = 1): void {
  for (const [at, value] of values.entries()) sum[at]! += factor * value;
}

const asFloat32 = ({ rows, columns, data }: Matrix) => float32([rows, columns], Float32Array.from(data));

/** The gradients of all parameters, given those of D of every map. */
async function parameterGradients(
  view: View,
  spec: TransformSpec,
  weights: ReadonlyMap<string, Float32Array>,
  factors: readonly (readonly Factors[])[],
  slopes: readonly { readonly asked: Matrix; readonly ridge: number }[],
) {
  const program = await view.program(`shift networks ${transformKey(spec)}`, () => networkGraph(spec));
  const sums = new Map([...spec.parameters.keys()].map((name) => [name, new Float32Array(weights.get(name)!.length)]));
  const from = spec.maps.map(() => 0);
  for (const ofRun of factors) {
    const slopeFeeds = ofRun.map(({ count }, index) => {
      const { columns, data } = slopes[index]!.asked;
      const start = from[index]!;
      from[index] = start + count;
      const rows = data.subarray(start * columns, (start + count) * columns);
      return [`slope ${index}`, float32([count, columns], Float32Array.from(rows))] as const;
    });
    const feeds = { ...transformFeeds(spec, weights), ...factorFeeds(spec, ofRun) };
    const out = await runPruned(program, { ...feeds, ...Object.fromEntries(slopeFeeds) });
    for (const name of networkParameters(spec)) addTo(sums.get(name)!, float32Data(out[gradientName(name)]!));
  }
  sums.get(ridgesName)!.set(slopes.map(({ ridge }) => ridge));
  return sums;
}

/** All edits of a batch are made at once; each is judged by a rephrasing and by what is to stay. Only `run_size` edits are in a run of the model. */
export function shiftStepper({
  model,
  spec,
  settings,
}: Pick<TransformInput<ShiftTraining>, 'model' | 'spec' | 'settings'>): TransformStepper {
  const view = model.view();
  const tokenizer = requireTokenizer({ model });
  const { edit_weight, locality_weight, run_size } = settings;
  const program = () =>
    view.program(`shifted ${edit_weight} ${locality_weight} ${transformKey(spec)}`, (weight) =>
      shiftedGraph(spec, model.spec, weight, settings),
    );
  return async (weights, batch) => {
    const runs = inRuns(batch, run_size);
    const factors: (readonly Factors[])[] = [];
    for (const run of runs) {
      const sequences = run.map(({ reliability }) => itemSequence(tokenizer, reliability));
      factors.push(await readFactors(view, spec, sequences));
    }
    for (const ofRun of factors) countFactors(weights, spec, ofRun);
    const updates: (readonly MapUpdate[])[] = [];
    for (const ofRun of factors) updates.push(await updatesOf(view, spec, weights, ofRun));
    const solutions: Solution[] = [];
    for (const index of spec.maps.keys()) solutions.push(await solutionOf(spec, weights, updates, index));

    const shifts = Object.fromEntries(solutions.map(({ shift }, index) => [shiftName(index), asFloat32(shift)]));
    const terms = { loss: 0, generality: 0, locality: 0 };
    const slopes = solutions.map(({ shift: { rows, columns } }) => matrix(rows, columns));
    for (const run of runs) {
      const { feeds } = await outerFeeds(view, tokenizer, run);
      const out = await runPruned(await program(), { ...feeds, ...shifts });
      const share = run.length / batch.length;
      for (const term of ['loss', ...outerTerms] as const) terms[term] += share * float32Data(out[term]!)[0]!;
      for (const [index, { data }] of slopes.entries())
        addTo(data, float32Data(out[gradientName(shiftName(index))]!), share);
    }

    const back = [];
    for (const [index, solution] of solutions.entries()) back.push(await backThrough(solution, slopes[index]!));
    return { terms, gradients: await parameterGradients(view, spec, weights, factors, back) };
  };
}
