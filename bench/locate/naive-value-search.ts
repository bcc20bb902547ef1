// The value search in its plain form, as a peer to measure against: the whole model at every step, every position, every logit.

import type { EditSequences } from '@errata/editors';
import {
  add,
  compile,
  constant,
  exp,
  float32,
  float32Data,
  gather,
  gatherElements,
  gemm,
  gradients,
  input,
  int32,
  logSoftmax,
  mul,
  neg,
  reduceSum,
  reshape,
  sub,
} from '@errata/graph';
import { buildDecoder, causalBias, type DecoderSpec } from '@errata/models';

/** Settings that both forms share. */
export interface NaiveSettings {
  readonly steps: number;
  readonly learning_rate: number;
  readonly weight_decay: number;
  readonly clamp_factor: number;
  readonly kl_factor: number;
}

/** Compiles the loss over a batch of fixed shape, as an autograd framework would run it. */
export async function naiveSearcher(
  spec: DecoderSpec,
  weightOf: (name: string) => Float32Array,
  layer: number,
  batch: number,
  time: number,
) {
  const tokens = batch * time;
  const offset = input('offset', 'float32', [1, spec.width]);
  const selector = input('selector', 'float32', [tokens, 1]);
  const outputs: { value?: ReturnType<typeof gather>; key?: ReturnType<typeof gather> } = {};
  const subjects = input('subjects', 'int32', [batch]);
  const weights = new Map(
    [...spec.parameters].map(([name, dims]) => [name, constant('float32', dims, weightOf(name), name)]),
  );
  const graph = buildDecoder(spec, {
    batch,
    time,
    start: { kind: 'ids', ids: input('ids', 'int32', [tokens]) },
    positions: input('positions', 'int32', [tokens]),
    bias: input('bias', 'float32', [batch, 1, time, time]),
    weight: (name) => weights.get(name)!,
    tap: (site, at, x) => {
      if (at !== layer) return x;
      if (site === 'mlp_key') outputs.key = gather(x, subjects);
      if (site !== 'mlp_out') return x;
      outputs.value = gather(x, subjects);
      return gemm(selector, offset, { bias: x });
    },
  });
  const all = logSoftmax(graph.logits());
  const rows = input('rows', 'int32', ['R']);
  const targets = input('targets', 'int32', ['R']);
  const rowWeights = input('row_weights', 'float32', ['R']);
  const picked = reshape(gatherElements(gather(all, rows), reshape(targets, ['R', 1]), 1), ['R']);
  const nll = neg(reduceSum(mul(picked, rowWeights)));
  const essence = gather(all, input('essence', 'int32', [1]));
  const base = input('base', 'float32', [1, spec.vocab]);
  const kl = reduceSum(mul(exp(essence), sub(essence, base)));
  const loss = add(nll, mul(kl, input('kl_weight', 'float32', [])));
  const program = await compile({
    nll,
    kl,
    essence_log_probs: essence,
    gradient: gradients(loss, [offset])[0]!,
    value: outputs.value!,
    key: outputs.key!,
  });

  const search = async ({ contexts, essence: subject }: EditSequences, settings: NaiveSettings) => {
    const sequences = [...contexts, subject];
    const ids = new Int32Array(tokens);
    const spots = new Float32Array(tokens);
    for (const [b, { ids: own, subjectLast }] of sequences.entries()) {
      ids.set(own, b * time);
      spots[b * time + subjectLast] = 1;
    }
    const spans = contexts.flatMap((c, b) => c.targetIds.map((id, i) => ({ row: b * time + c.targetStart + i, id })));
    const feeds = {
      ids: int32([tokens], ids),
      positions: int32(
        [tokens],
        Int32Array.from({ length: tokens }, (_, i) => i % time),
      ),
      bias: float32([batch, 1, time, time], causalBias(batch, time)),
      selector: float32([tokens, 1], spots),
      subjects: int32(
        [batch],
        Int32Array.from(sequences, ({ subjectLast }, b) => b * time + subjectLast),
      ),
      rows: int32(
        [spans.length],
        Int32Array.from(spans, ({ row }) => row),
      ),
      targets: int32(
        [spans.length],
        Int32Array.from(spans, ({ id }) => id),
      ),
      row_weights: float32([spans.length], new Float32Array(spans.length).fill(1 / spans.length)),
      essence: int32([1], Int32Array.of((batch - 1) * time + subject.subjectLast)),
    };
    const delta = new Float32Array(spec.width);
    const mean = new Float64Array(spec.width);
    const variance = new Float64Array(spec.width);
    let base: Float32Array | undefined;
    let radius = 0;
    let penalty = 0;
    let last = 0;
    for (let step = 1; step <= settings.steps; step++) {
      const out = await program.run({
        ...feeds,
        offset: float32([1, spec.width], delta),
        base: float32([1, spec.vocab], base ?? new Float32Array(spec.vocab)),
        kl_weight: float32([], Float32Array.of(base ? settings.kl_factor : 0)),
      });
      if (!base) {
        base = float32Data(out.essence_log_probs);
        const size = Math.hypot(...float32Data(out.value).subarray(0, spec.width));
        radius = settings.clamp_factor * size;
        penalty = settings.weight_decay / size ** 2;
      }
      last = float32Data(out.nll)[0]!;
      if (step === settings.steps) break;
      const gradient = float32Data(out.gradient);
      const size = Math.hypot(...delta);
      for (let i = 0; i < delta.length; i++) {
        const g = gradient[i]! + (size > 0 ? (penalty * delta[i]!) / size : 0);
        mean[i] = 0.9 * mean[i]! + 0.1 * g;
        variance[i] = 0.999 * variance[i]! + 0.001 * g * g;
        const rate = settings.learning_rate / (1 - 0.9 ** step);
        delta[i]! -= (rate * mean[i]!) / (Math.sqrt(variance[i]! / (1 - 0.999 ** step)) + 1e-8);
      }
      const grown = Math.hypot(...delta);
      if (grown > radius) for (let i = 0; i < delta.length; i++) delta[i]! *= radius / grown;
    }
    return { offset: delta, nll: last };
  };
  return { search, release: program.release };
}
