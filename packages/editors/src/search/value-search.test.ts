// The suffix form of the value search against the whole model run plainly, on random models of both families.
import { float32, float32Data, gemm, gradients, input, int32, logSoftmax, mulDims } from '@errata/graph';
import { buildDecoder, type View } from '@errata/models';
import { describe, expect, it } from 'vitest';
import type { ContextSequence, EditSequences } from '../texts/sequences.ts';
import { tinyGpt2, tinyLlama, tinyModel } from '../tiny-model.fixture.ts';
import { runPruned } from './programs.ts';
import { suffixLoss } from './suffix-loss.ts';
import { packTails } from './tails.ts';
import { packSequences, sequenceFeeds, sequenceInputs } from './tracer.ts';
import { prepareSearch, searchValues } from './value-search.ts';

const settings = {
  steps: 30,
  learning_rate: 0.3,
  weight_decay: 0.1,
  clamp_factor: 3,
  kl_factor: 0.0625,
  stop_loss: 0.05,
} as const;

/** Norms behind the MLP, bounded scores and logits, a window. */
const tinyGemma2 = {
  ...tinyLlama,
  model_type: 'gemma2',
  head_dim: 4,
  sliding_window: 3,
  attn_logit_softcapping: 5,
  final_logit_softcapping: 30,
  tie_word_embeddings: true,
};

/** Parallel blocks, a head with a bias. */
const tinyGptj = { ...tinyGpt2, model_type: 'gptj', rotary_dim: 4 };

function context(ids: number[], subjectLast: number, targetIds: number[]): ContextSequence {
  return { ids: [...ids, ...targetIds].slice(0, -1), subjectLast, targetStart: ids.length - 1, targetIds };
}
const edit: EditSequences = {
  custom_id: 'a',
  contexts: [context([5, 6, 7, 8, 9], 2, [11, 12]), context([1, 2, 3, 5, 6, 7, 8, 9], 5, [11, 12])],
  prefixes: { used: 1, left_out: 0 },
  essence: { ids: [5, 6, 7], subjectLast: 2 },
};
const other: EditSequences = {
  custom_id: 'b',
  contexts: [context([30, 31, 32], 0, [40]), context([2, 30, 31, 32], 1, [40])],
  prefixes: { used: 1, left_out: 0 },
  essence: { ids: [30], subjectLast: 0 },
};

/** A sequence with what is predicted in it: rows counted from its first token. */
interface Scored {
  readonly ids: readonly number[];
  readonly subjectLast: number;
  readonly predicted: readonly { readonly position: number; readonly id: number; readonly weight: number }[];
}

/** Loss, its gradient and all log-probabilities by the whole model, the offset injected through the MLP's output. */
async function wholeModel(view: View, layer: number, sequences: readonly Scored[], offset: Float32Array) {
  const { spec } = view;
  const program = await view.program(`whole model ${layer}`, (weight) => {
    const variable = input('offset', 'float32', [1, spec.width]);
    const where = input('selector', 'float32', [mulDims('B', 'T'), 1]);
    const { crossEntropy, logits } = buildDecoder(spec, {
      ...sequenceInputs(),
      rows: input('rows', 'int32', ['R']),
      weight,
      tap: (site, at, x) => (site === 'mlp_out' && at === layer ? gemm(where, variable, { bias: x }) : x),
    });
    const { loss } = crossEntropy(input('targets', 'int32', ['R']), input('row_weights', 'float32', ['R']));
    return { loss, gradient: gradients(loss, [variable])[0]!, log_probs: logSoftmax(logits()) };
  });
  const packed = packSequences(sequences);
  const selector = new Float32Array(packed.batch * packed.time);
  const predicted = sequences.flatMap((sequence, b) =>
    sequence.predicted.map((one) => ({ ...one, row: b * packed.time + one.position })),
  );
  for (const [b, { subjectLast }] of sequences.entries()) selector[b * packed.time + subjectLast] = 1;
  const out = await runPruned(program, {
    ...sequenceFeeds(packed),
    offset: float32([1, spec.width], offset),
    selector: float32([selector.length, 1], selector),
    rows: int32(
      [predicted.length],
      Int32Array.from(predicted, ({ row }) => row),
    ),
    targets: int32(
      [predicted.length],
      Int32Array.from(predicted, ({ id }) => id),
    ),
    row_weights: float32(
      [predicted.length],
      Float32Array.from(predicted, ({ weight }) => weight),
    ),
  });
  const [loss, gradient, logProbs] = [out.loss!, out.gradient!, out.log_probs!].map(float32Data);
  return { loss: loss![0]!, gradient: gradient!, logProbs: logProbs! };
}

/** The losses of an edit, plainly: every layer, every position, no caches. */
async function plainly(view: View, layer: number, { contexts, essence }: EditSequences, offset: Float32Array) {
  const scored = contexts.map(
    ({ ids, subjectLast, targetStart, targetIds }): Scored => ({
      ids,
      subjectLast,
      predicted: targetIds.map((id, i) => ({
        position: targetStart + i,
        id,
        weight: 1 / (contexts.length * targetIds.length),
      })),
    }),
  );
  const { loss, gradient } = await wholeModel(view, layer, scored, offset);
  const last = { ...essence, predicted: [{ position: essence.subjectLast, id: 0, weight: 1 }] };
  const { logProbs } = await wholeModel(view, layer, [last], offset);
  return { nll: loss, gradient, essence: logProbs };
}

describe.each([
  ['gpt2', tinyGpt2],
  ['llama', tinyLlama],
  ['gemma2', tinyGemma2],
  ['gptj', tinyGptj],
] as const)('the value search on %s', (_family, config) => {
  const source = tinyModel(config, 3).view();
  const zero = new Float32Array(source.spec.width);

  it.each([0, 2, 3])('has the losses of the whole model at layer %i', async (layer) => {
    const [found] = await searchValues(
      source,
      [await prepareSearch(source, { layer, site: 'mlp_out' }, [edit])],
      settings,
    );
    const before = await plainly(source, layer, edit, zero);
    const after = await plainly(source, layer, edit, Float32Array.from(found!.offset));
    expect(found!.first.nll).toBeCloseTo(before.nll, 4);
    expect(found!.first.kl).toBe(0);
    expect(found!.last.nll).toBeCloseTo(after.nll, 4);
    const kl = after.essence.reduce((sum, log, i) => sum + Math.exp(log) * (log - before.essence[i]!), 0);
    expect(found!.last.kl).toBeCloseTo(settings.kl_factor * kl, 5);
    // Above the last layer no attention is left that could carry the offset from the subject to the target.
    if (layer === 3) expect(Math.hypot(...found!.offset)).toBe(0);
    else expect(found!.last.nll).toBeLessThan(found!.first.nll - 0.1);
  });

  it('has the gradient of the whole model, the KL term included', async () => {
    const layer = 1;
    const prepared = await prepareSearch(source, { layer, site: 'mlp_out' }, [edit]);
    const loss = await suffixLoss(source, layer, 'mlp_out');
    const offset = Float32Array.from(zero, (_, i) => Math.sin(i));
    const { feeds } = packTails(source.spec, [prepared.tails]);
    const at = async (offset: Float32Array, klWeight: number) => {
      const base = float32([1, source.spec.vocab], (await plainly(source, layer, edit, zero)).essence);
      const variable = {
        offsets: float32([1, offset.length], offset),
        base,
        kl_weights: float32([1], Float32Array.of(klWeight)),
      };
      return runPruned(loss, { ...feeds, ...variable });
    };
    const plain = await plainly(source, layer, edit, offset);
    const ours = float32Data((await at(offset, 0)).gradient!);
    for (const [i, g] of plain.gradient.entries()) expect(ours[i]).toBeCloseTo(g, 4);

    const klSlope = float32Data((await at(offset, 1)).gradient!).map((g, i) => g - ours[i]!);
    const direction = klSlope.map((g) => g / Math.hypot(...klSlope));
    const step = 1e-2;
    const moved = (sign: number) =>
      at(
        offset.map((x, i) => x + sign * step * direction[i]!),
        0,
      );
    const klAt = async (sign: number) => float32Data((await moved(sign)).kl!)[0]!;
    const slope = ((await klAt(1)) - (await klAt(-1))) / (2 * step);
    expect(slope).toBeCloseTo(Math.hypot(...klSlope), 2);
  });

  it('finds the same offsets side by side as one by one, and ends each by its own rule', async () => {
    const prepared = [
      await prepareSearch(source, { layer: 1, site: 'mlp_out' }, [edit]),
      await prepareSearch(source, { layer: 1, site: 'mlp_out' }, [other]),
    ] as const;
    const together = await searchValues(source, prepared, settings);
    for (const [i, one] of prepared.entries()) {
      const [alone] = await searchValues(source, [one], settings);
      expect(together[i]!.steps).toBe(alone!.steps);
      for (const [j, x] of alone!.offset.entries()) expect(together[i]!.offset[j]).toBeCloseTo(x, 2);
    }
  });

  it('gives the same bytes for the same inputs', async () => {
    const run = async () =>
      (await searchValues(source, [await prepareSearch(source, { layer: 1, site: 'mlp_out' }, [edit])], settings))[0]!;
    const [a, b] = [await run(), await run()];
    expect(a).toEqual(b);
  });

  it('stops when asked to', async () => {
    const prepared = await prepareSearch(source, { layer: 1, site: 'mlp_out' }, [edit]);
    const stop = new AbortController();
    const onStep = (_: unknown, step: number) => step === 3 && stop.abort(new Error('enough'));
    await expect(
      searchValues(source, [prepared], { ...settings, stop_loss: 0 }, { signal: stop.signal, onStep }),
    ).rejects.toThrow('enough');
  });
});
