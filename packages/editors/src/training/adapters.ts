// Adapters: maps of a model with a change of low rank, A B, that is trained while the model itself stays as it is (LoRA, Hu et al. 2021).
import { ErrataError } from '@errata/contracts';
import { add, concat, fill, gemm, input, mul, type NamedArrays, type Tensor } from '@errata/graph';
import { type BlockRefs, type DecoderSpec, type LowRankDelta, type MatrixRef, uniform } from '@errata/models';
import { type MapName, mapNames } from '../methods/lora/settings.ts';
import type { Parameter, TrainedDelta, Training } from './train-on-targets.ts';

/** Which maps are changed, and how. */
export interface AdapterSizes {
  /** Of the change of each map. */
  readonly rank: number;
  /** The change is alpha / rank times A B. */
  readonly alpha: number;
  readonly targets: readonly MapName[];
  /** In ascending order; null for all. */
  readonly layers: readonly number[] | null;
}

/** Adapters as they are before the first step, and how a model is run with them. */
export interface Adapters extends Pick<Training, 'key' | 'from' | 'parameters' | 'apply'> {
  /** What the change of each matrix comes to, of parameters by their names. */
  deltasOf(weights: NamedArrays): readonly (TrainedDelta & { readonly delta: LowRankDelta })[];
}

/** A linear map as outputs of a matrix, `size` of them from one on: all of it, or the part that a fused one has for it. */
interface Place {
  readonly matrix: MatrixRef;
  readonly from: number;
  readonly size: number;
}

/** A map with the factors of its change. */
interface Adapter extends Place {
  readonly layer: number;
  /** A, `[in, rank]`. */
  readonly a: Parameter;
  /** B, `[rank, size]`. */
  readonly b: Parameter;
}

const whole = (matrix: MatrixRef): Place => ({ matrix, from: 0, size: matrix.outSize });

function mlpInputs(mlp: BlockRefs['mlp']): Partial<Record<MapName, Place>> {
  if (mlp.kind === 'plain') return { mlp_up: whole(mlp.input) };
  if (mlp.kind === 'gated') return { mlp_gate: whole(mlp.gate), mlp_up: whole(mlp.up) };
  const size = mlp.gateUp.outSize / 2;
  return { mlp_gate: { matrix: mlp.gateUp, from: 0, size }, mlp_up: { matrix: mlp.gateUp, from: size, size } };
}

/** Where a block has its maps. */
function placesOf({ blocks, heads, kvHeads, headDim }: DecoderSpec, layer: number): Partial<Record<MapName, Place>> {
  // Of a decoder over an encoder the attention to what that has read: the prompt comes in there.
  const { mlp, cross, ...own } = blocks[layer]!;
  const { projections, attentionOutput } = cross ?? own;
  const queries = heads * headDim;
  const others = kvHeads * headDim;
  const attention =
    projections.kind === 'fused'
      ? {
          query: { matrix: projections.matrix, from: 0, size: queries },
          key: { matrix: projections.matrix, from: queries, size: others },
          value: { matrix: projections.matrix, from: queries + others, size: others },
        }
      : { query: whole(projections.query), key: whole(projections.key), value: whole(projections.value) };
  return {
    ...attention,
    attention_output: whole(attentionOutput),
    ...mlpInputs(mlp),
    mlp_down: whole(mlp.output),
  };
}

/**
 * Adapters as they are before the first step: A uniform within 1 / sqrt(in), which is Kaiming's with a = sqrt(5), and B zero.
 * @throws ErrataError `invalid_config` for a map that the model does not have
 */
function drawnAdapters(spec: DecoderSpec, { rank, targets, layers }: AdapterSizes, seed: number): readonly Adapter[] {
  const chosen = layers ?? spec.blocks.map((_, layer) => layer);
  const places = chosen.flatMap((layer) => {
    const found = placesOf(spec, layer);
    return mapNames
      .filter((name) => targets.includes(name))
      .map((name) => ({ layer, ...(found[name] ?? refuse(name, Object.keys(found))) }));
  });
  return places.map((place, index) => {
    const { inSize } = place.matrix;
    const next = uniform(seed, index);
    const bound = 1 / Math.sqrt(inSize);
    const drawn = Float32Array.from({ length: inSize * rank }, () => bound * (2 * next() - 1));
    return {
      ...place,
      a: { name: `lora_a ${index}`, shape: [inSize, rank], values: drawn },
      b: { name: `lora_b ${index}`, shape: [rank, place.size], values: new Float32Array(rank * place.size) },
    };
  });
}

function refuse(name: MapName, known: readonly string[]): never {
  const message = `the model's blocks have no ${name}: targets may be ${known.join(', ')}`;
  throw new ErrataError('invalid_config', message, {
    errors: [{ code: 'invalid_config', field: 'targets', pointer: '/config/targets', message }],
  });
}

/** The adapters of each matrix, in the order of its outputs. */
function byMatrix(adapters: readonly Adapter[]): readonly (readonly [Adapter, ...Adapter[]])[] {
  const groups = new Map<string, [Adapter, ...Adapter[]]>();
  for (const adapter of adapters) {
    const group = groups.get(adapter.matrix.weight);
    if (group === undefined) groups.set(adapter.matrix.weight, [adapter]);
    else group.push(adapter);
  }
  return [...groups.values()];
}

/** A matrix with its changes, as the checkpoint stores it; zeros stand for the outputs that have none. */
function changed(
  weight: Tensor,
  group: readonly [Adapter, ...Adapter[]],
  factors: ReadonlyMap<string, Tensor>,
  scale: number,
): Tensor {
  const { inSize, outSize, orientation } = group[0].matrix;
  const straight = orientation === 'in_out';
  const nothing = (size: number) =>
    size === 0 ? [] : [fill(0, straight ? [inSize, size] : [size, inSize], 'float32')];
  const parts: Tensor[] = [];
  let at = 0;
  for (const { from, size, a, b } of group) {
    const [left, right] = [factors.get(a.name)!, factors.get(b.name)!];
    const product = straight ? gemm(left, right) : gemm(right, left, { transA: true, transB: true });
    parts.push(...nothing(from - at), mul(product, scale));
    at = from + size;
  }
  parts.push(...nothing(outSize - at));
  return add(weight, concat(parts, straight ? 1 : 0));
}

/** The change of one matrix: the factors of its adapters side by side, alpha / rank in the second. */
function deltaOf(
  group: readonly [Adapter, ...Adapter[]],
  weights: NamedArrays,
  rank: number,
  scale: number,
): TrainedDelta & { readonly delta: LowRankDelta } {
  const { matrix, layer } = group[0];
  const { inSize, outSize, weight: tensor } = matrix;
  const all = group.length * rank;
  const left = new Float32Array(inSize * all);
  const right = new Float32Array(all * outSize);
  for (const [i, { from, size, a, b }] of group.entries()) {
    const [ofA, ofB] = [weights.get(a.name)!, weights.get(b.name)!];
    for (let row = 0; row < inSize; row++) left.set(ofA.subarray(row * rank, (row + 1) * rank), row * all + i * rank);
    for (let r = 0; r < rank; r++)
      for (let j = 0; j < size; j++) right[(i * rank + r) * outSize + from + j] = scale * ofB[r * size + j]!;
  }
  return { layer, delta: { kind: 'low_rank', tensor, rank: all, left, right }, parts: [left, right] };
}

/** @throws ErrataError `invalid_config` for a map that the model does not have */
export function adaptersOf(spec: DecoderSpec, sizes: AdapterSizes, seed: number): Adapters {
  const { rank, alpha, targets, layers } = sizes;
  const scale = alpha / rank;
  const adapters = drawnAdapters(spec, sizes, seed);
  const groups = byMatrix(adapters);
  const parameters = adapters.flatMap(({ a, b }) => [a, b]);
  return {
    key: `lora ${JSON.stringify([rank, alpha, [...targets].sort(), layers])}`,
    from: adapters[0]!.layer,
    parameters,
    apply: (weight) => {
      const trained = parameters.map(({ name, shape }) => input(name, 'float32', shape));
      const factors = new Map(parameters.map(({ name }, i) => [name, trained[i]!]));
      const own = new Map(
        groups.map((group) => {
          const { weight: tensor } = group[0].matrix;
          return [tensor, changed(weight(tensor), group, factors, scale)];
        }),
      );
      return { weight: (name) => own.get(name) ?? weight(name), trained };
    },
    deltasOf: (weights) => groups.map((group) => deltaOf(group, weights, rank, scale)),
  };
}
