// How much of an answer's probability comes from each neuron: integrated gradients over what the neurons of a layer put out.
import {
  addDims,
  exp,
  fill,
  float32,
  float32Data,
  gatherElements,
  input,
  int32,
  logSoftmax,
  mulDims,
  reshape,
  vectorJacobian,
} from '@errata/graph';
import { buildDecoder, type Tap, type View } from '@errata/models';
import { repeated, runPruned } from '../../search/programs.ts';
import { type Trace, trace } from '../../search/tracer.ts';

/** Of each layer, of each neuron: `[d_ff]`. */
export type Attributions = readonly Float64Array[];

/**
 * Attr(i) = a_i / m sum_j dP/da_i at (j/m) a, j from 0 to m - 1, with a what the neurons of one layer put out at the prompt's last token
 * and P the probability of an answer there (Dai et al. 2022, equation 3; the sum begins at nothing, as in the reference code).
 * The whole layer is scaled at once. Only the last token is run anew: what comes before it does not change.
 * @param ids a prompt
 */
export async function attribute(
  view: View,
  ids: readonly number[],
  answer: number,
  { steps, signal }: { readonly steps: number; readonly signal: AbortSignal | undefined },
): Promise<Attributions> {
  const { layers, width, mlpWidth } = view.spec;
  const all = Array.from({ length: layers }, (_, layer) => layer);
  const last = ids.length - 1;
  const traced = await trace(view, { recorded: all, suffix: { from: 0, caches: true } }, [{ ids, subjectLast: last }]);
  const found: Float64Array[] = [];
  for (const layer of all) {
    signal?.throwIfAborted();
    const keys = traced.layers.get(layer)!.keys;
    const hidden =
      layer === 0
        ? traced.hidden.subarray(last * width, (last + 1) * width)
        : traced.layers.get(layer - 1)!.blockOut.subarray(0, width);
    const gradient = await gradientsAt(view, layer, { traced, hidden, keys, answer, last, steps });
    found.push(
      Float64Array.from({ length: mlpWidth }, (_, i) => {
        let sum = 0;
        for (let j = 0; j < steps; j++) sum += gradient[j * mlpWidth + i]!;
        return (keys[i]! * sum) / steps;
      }),
    );
  }
  return found;
}

/** What stays the same at every point of a layer's path. */
interface PathStart {
  readonly traced: Trace;
  /** Stream before the layer at the last token, `[d]`. */
  readonly hidden: Float32Array;
  /** `[d_ff]`. */
  readonly keys: Float32Array;
  readonly answer: number;
  readonly last: number;
  readonly steps: number;
}

/** dP/da at each point, `[steps, d_ff]`. */
async function gradientsAt(
  view: View,
  layer: number,
  { traced, hidden, keys, answer, last, steps }: PathStart,
): Promise<Float32Array> {
  const { spec } = view;
  const { width, mlpWidth, kvHeads, headDim, layers } = spec;
  const program = await view.program(`attribution ${layer}`, (weight) => {
    const rows = mulDims('B', 'T');
    const scaled = input('keys', 'float32', [rows, mlpWidth]);
    const cache = (name: string) => input(name, 'float32', ['B', kvHeads, 'P', headDim]);
    const tap: Tap = (site, at, x) => (site === 'mlp_key' && at === layer ? scaled : x);
    const { logits } = buildDecoder(spec, {
      batch: 'B',
      time: 'T',
      from: layer,
      start: { kind: 'hidden', hidden: input('hidden', 'float32', [rows, width]) },
      positions: input('positions', 'int32', [rows]),
      bias: input('bias', 'float32', ['B', 1, 'T', addDims('P', 'T')]),
      past: Array.from({ length: layers - layer }, (_, i) => ({
        key: cache(`past_key_${i}`),
        value: cache(`past_value_${i}`),
      })),
      weight,
      tap,
    });
    const at = reshape(input('answers', 'int32', [rows]), [rows, 1]);
    const probability = exp(gatherElements(logSoftmax(logits()), at, 1));
    const [gradient] = vectorJacobian([{ output: probability, cotangent: fill(1, [rows, 1], 'float32') }], [scaled]);
    return { gradient: gradient! };
  });
  const points = new Float32Array(steps * mlpWidth);
  for (let j = 0; j < steps; j++) for (let i = 0; i < mlpWidth; i++) points[j * mlpWidth + i] = (j / steps) * keys[i]!;
  const past = (cache: Float32Array) => {
    const one = new Float32Array(kvHeads * last * headDim);
    for (let head = 0; head < kvHeads; head++)
      one.set(
        cache.subarray(head * traced.time * headDim, (head * traced.time + last) * headDim),
        head * last * headDim,
      );
    return float32([steps, kvHeads, last, headDim], repeated(one, steps));
  };
  const caches = traced.caches
    .slice(layer)
    .flatMap(({ key, value }, i) => [[`past_key_${i}`, past(key)] as const, [`past_value_${i}`, past(value)] as const]);
  const out = await runPruned(program, {
    ...Object.fromEntries(caches),
    keys: float32([steps, mlpWidth], points),
    hidden: float32([steps, width], repeated(hidden, steps)),
    positions: int32([steps], new Int32Array(steps).fill(last)),
    bias: float32([steps, 1, 1, last + 1], new Float32Array(steps * (last + 1))),
    answers: int32([steps], new Int32Array(steps).fill(answer)),
  });
  return float32Data(out.gradient!);
}
