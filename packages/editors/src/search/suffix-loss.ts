// The loss of value offsets as a graph: the layers after the edited one, over the positions from the subject on.
import {
  add,
  addDims,
  concat,
  exp,
  fill,
  gatherElements,
  gemm,
  input,
  logSoftmax,
  mul,
  mulDims,
  reduceMax,
  reduceSum,
  reshape,
  scatterElementsAdd,
  slice,
  sub,
  type Tensor,
  vectorJacobian,
} from '@errata/graph';
import {
  addedByMlp,
  buildDecoder,
  type DecoderSpec,
  type KeysValues,
  type Tap,
  type View,
  type ViewProgram,
  type WeightSource,
} from '@errata/models';

/**
 * What the value is: the MLP's output (ROME), the residual stream after the block (MEMIT), or what attention adds to the stream and the
 * MLP's output, an offset each (PMET).
 */
export type ValueSite = 'mlp_out' | 'block_out' | 'attn_and_mlp';

/** The first layer that is run at every step of a search: offsets within a block need the block. */
export const firstRun = (layer: number, site: ValueSite): number => (site === 'attn_and_mlp' ? layer : layer + 1);

/**
 * The loss of offsets added at `layer`, with its gradient. An offset at the MLP's output and one at the block's output are the same
 * addition to the residual stream, except where a norm stands between them.
 *
 * For E offsets over B sequences of T positions behind P cached ones, with R target tokens, its inputs are
 *
 * | name | shape | what |
 * |---|---|---|
 * | `offsets` | `[E, d]` | the variables; `[E, 2d]` where there are two, attention's first |
 * | `selector` | `[B*T, E]` | 1 where a row takes an offset |
 * | `hidden` | `[B*T, d]` | residual stream before the first layer that is run, without offset |
 * | `output` | `[B*T, d]` | output of the layer's MLP, without offset; taken where a norm is behind it |
 * | `positions`, `bias` | `[B*T]`, `[B, 1, T, P+T]` | as buildDecoder takes them |
 * | `past_key_i`, `past_value_i` | `[B, kvHeads, P, headDim]` | caches of the i-th layer that is run |
 * | `rows` | `[R+E]` | rows that predict targets, then one row an offset for the KL term |
 * | `targets`, `target_weights` | `[R]` | target ids; weight of each in the gradient |
 * | `base`, `kl_weights` | `[E, V]`, `[E]` | log-probabilities without offset; weight of each KL term in the gradient |
 *
 * and its outputs `log_probs` `[R]`, the greatest of each row, `best` `[R]`, `kl` `[E]`, `essence_log_probs` `[E, V]` and `gradient`, of the
 * shape of `offsets`.
 */
export function suffixLoss(view: View, layer: number, site: ValueSite): Promise<ViewProgram> {
  if (site === 'attn_and_mlp')
    return view.program(`suffix loss within ${layer}`, (weight) => blockGraph(view.spec, layer, weight));
  const behindNorm = site === 'mlp_out' && hasOutputNorm(view.spec, layer);
  const key = `suffix loss ${layer}${behindNorm ? ' through its norm' : ''}`;
  return view.program(key, (weight) => suffixGraph(view.spec, layer, behindNorm, weight));
}

/** Whether a norm is behind the MLP of a layer. */
export const hasOutputNorm = (spec: DecoderSpec, layer: number): boolean =>
  spec.blocks[layer]?.mlpOutputNorm !== undefined;

/** The layers from `from` on, over the positions that are left: what every form of the loss has in common. */
function suffixInputs(spec: DecoderSpec, from: number) {
  // Without attention nothing but their product is left of batch and time.
  const tokens = from < spec.layers ? mulDims('B', 'T') : 'N';
  const cache = (name: string) => input(name, 'float32', ['B', spec.kvHeads, 'P', spec.headDim]);
  const past: KeysValues[] = Array.from({ length: spec.layers - from }, (_, i) => ({
    key: cache(`past_key_${i}`),
    value: cache(`past_value_${i}`),
  }));
  return {
    selector: input('selector', 'float32', [tokens, 'E']),
    frozen: input('hidden', 'float32', [tokens, spec.width]),
    tokens,
    decoder: {
      batch: 'B',
      time: 'T',
      from,
      positions: input('positions', 'int32', [tokens]),
      bias: input('bias', 'float32', ['B', 1, 'T', addDims('P', 'T')]),
      past,
      rows: input('rows', 'int32', [addDims('R', 'E')]),
    },
  } as const;
}

/** Offsets of what attention adds to the stream and of the MLP's output, with the block that they are in. */
function blockGraph(spec: DecoderSpec, layer: number, weight: WeightSource) {
  const { width } = spec;
  const offsets = input('offsets', 'float32', ['E', 2 * width]);
  const { selector, frozen, decoder } = suffixInputs(spec, layer);
  const moved = (x: Tensor, from: number) => gemm(selector, slice(offsets, 1, from, from + width), { bias: x });
  const tap: Tap = (site, at, x) => {
    if (at !== layer) return x;
    if (site === 'attn_out') return moved(x, 0);
    return site === 'mlp_out' ? moved(x, width) : x;
  };
  const start = { kind: 'hidden', hidden: frozen } as const;
  return offsetLoss(buildDecoder(spec, { ...decoder, start, weight, tap }).logits(), offsets);
}

function suffixGraph(spec: DecoderSpec, layer: number, behindNorm: boolean, weight: WeightSource) {
  const offsets = input('offsets', 'float32', ['E', spec.width]);
  const { selector, frozen, tokens, decoder } = suffixInputs(spec, layer + 1);
  const moved = () => {
    if (!behindNorm) return gemm(selector, offsets, { bias: frozen });
    const output = input('output', 'float32', [tokens, spec.width]);
    const added = (x: Tensor) => addedByMlp(spec, layer, weight, x);
    // Where there is no offset the difference is exactly zero.
    return add(frozen, sub(added(gemm(selector, offsets, { bias: output })), added(output)));
  };
  const { logits } = buildDecoder(spec, { ...decoder, start: { kind: 'hidden', hidden: moved() }, weight });
  return offsetLoss(logits(), offsets);
}

/**
 * Losses over the head, sharing one product with it: cross-entropy of the first R rows, KL(p || p0) of the last E. The divergence
 * is from the distribution before to the one after, p in front, as the reference code has it: p may lose what p0 held, but pays
 * for what it gains. Gradients with respect to the logits are p - q, with q the target's one-hot row, and p (log p/p0 - KL).
 */
function offsetLoss(logits: Tensor, offsets: Tensor) {
  const targets = input('targets', 'int32', ['R']);
  const targetWeights = input('target_weights', 'float32', ['R']);
  const base = input('base', 'float32', ['E', logits.dims[1]!]);
  const klWeights = input('kl_weights', 'float32', ['E']);
  const all = logSoftmax(logits);
  const at = reshape(targets, ['R', 1]);
  const ofTargets = slice(all, 0, 0, 'R');
  const ofEssence = slice(all, 0, 'R', addDims('R', 'E'));
  const after = exp(ofEssence);
  const gained = sub(ofEssence, base);
  const kl = reduceSum(mul(after, gained), [1]);
  const error = concat(
    [
      scatterElementsAdd(exp(ofTargets), at, fill(-1, ['R', 1], 'float32'), 1),
      mul(after, sub(gained, reshape(kl, ['E', 1]))),
    ],
    0,
  );
  const rowWeights = reshape(concat([targetWeights, klWeights], 0), [addDims('R', 'E'), 1]);
  const [gradient] = vectorJacobian([{ output: logits, cotangent: mul(error, rowWeights) }], [offsets]);
  return {
    log_probs: reshape(gatherElements(ofTargets, at, 1), ['R']),
    best: reduceMax(ofTargets, [1]),
    kl,
    essence_log_probs: ofEssence,
    gradient: gradient!,
  };
}
