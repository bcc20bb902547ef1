// Trains a knowledge encoder with the language model frozen: Adam on the losses of RECIPE, checkpoints, and the best of them.
import { ErrataError } from '@errata/contracts';
import { float32, float32Data, type HostTensors } from '@errata/graph';
import {
  encodeKnowledgeEncoder,
  encoderParameter,
  knowledgeTokenizer,
  type Model,
  type StoredKnowledgeEncoder,
  tokenEmbeddings,
} from '@errata/models';
import { runPruned } from '../../search/programs.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import type { BuildOptions, Checkpoint } from '../builder.ts';
import { batchTexts, beforeFeeds, editFeeds, type TextReader, textFeeds } from './feeds.ts';
import type { Initial } from './initial.ts';
import { beforeGraph, gradientName, type LossTerm, lossTerms, recipeGraph, trainedName } from './losses.ts';
import { makeOptimizers } from './optimizers.ts';
import { type DrawnRecord, drawBatch, type TrainingRecord } from './records.ts';
import type { TrainingSettings } from './request.ts';
import { type CurvePoint, decodeState, encodeState, type TrainingState } from './state.ts';
import { validate } from './validate.ts';

/** What is trained, on what. */
export interface TrainingInput {
  readonly model: Model;
  readonly digest: string;
  readonly initial: Initial;
  readonly settings: TrainingSettings;
  readonly records: readonly TrainingRecord[];
  /** Not trained on, no two of one prompt. */
  readonly validation: readonly TrainingRecord[];
}

/** A run that came to its end. */
export interface TrainedEncoder {
  /** The weights of the checkpoint that was chosen. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly chosen: number;
  readonly curve: TrainingState['curve'];
  readonly validations: TrainingState['validations'];
}

/** What a step says. */
export interface StepResult {
  /** Without those that were left out. */
  readonly terms: Readonly<Partial<Record<LossTerm, number>> & { loss: number }>;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** Runs steps: losses and gradients of a batch, of which the first `edits` go through the language model; nothing is changed. */
export function stepper({ model, initial, settings }: Pick<TrainingInput, 'model' | 'initial' | 'settings'>) {
  const { spec } = initial;
  const view = model.view();
  const reader: TextReader = { tokenizer: knowledgeTokenizer(initial, model), bounds: initial.bounds };
  const table = encoderParameter(spec.encoder.tokenEmbedding);
  const tokenizer = requireTokenizer({ model });
  const form = { tokenizer, start: tokenizer.prefixIds.length, promptTokens: spec.promptTokens };
  const programFor = (edits: number) => {
    const shape = { knowledge: settings.batch_size, edits, contrastiveWeight: settings.contrastive_weight };
    const sizes = [spec.config, spec.representation, spec.promptTokens, spec.sentinelTokens, shape];
    return view.program(`knowledge encoder ${JSON.stringify(sizes)}`, (source) =>
      recipeGraph(spec, model.spec, source, shape, table),
    );
  };
  const throughModel = async (edits: readonly DrawnRecord[]) => {
    if (edits.length === 0) return {};
    const before = await view.program('knowledge encoder before', (source) => beforeGraph(model.spec, source));
    return { ...editFeeds(edits, form), ...(await runPruned(before, beforeFeeds(edits, form))) };
  };
  return async (
    weights: ReadonlyMap<string, Float32Array>,
    batch: readonly DrawnRecord[],
    edits = settings.edit_batch_size,
  ): Promise<StepResult> => {
    const texts = textFeeds(spec, tokenEmbeddings({ spec, weights }, model), reader, batchTexts(batch));
    const feeds: Record<string, HostTensors[string]> = {
      ...texts.feeds,
      ...(await throughModel(batch.slice(0, edits))),
    };
    for (const [name, dims] of spec.parameters) feeds[trainedName(name)] = float32(dims, weights.get(name)!);
    const out = await runPruned(await programFor(edits), feeds);
    const gradients = new Map<string, Float32Array>();
    for (const name of spec.parameters.keys()) {
      const slope = out[gradientName(name)];
      gradients.set(name, slope ? float32Data(slope) : new Float32Array(weights.get(name)!.length));
    }
    const ofRows = out[gradientName('text_embeddings')];
    if (ofRows)
      gradients.set(table, scattered(weights.get(table)!.length, texts.ids, float32Data(ofRows), spec.encoder));
    const terms = Object.fromEntries(
      (['loss', ...lossTerms] as const).flatMap((name) => {
        const value = out[name];
        return value ? [[name, float32Data(value)[0]!]] : [];
      }),
    );
    return { terms: terms as StepResult['terms'], gradients };
  };
}

/** The gradient of a table of embeddings from that of the rows looked up in it. */
function scattered(
  size: number,
  ids: Int32Array,
  rows: Float32Array,
  { width, embeddingScale = 1 }: { readonly width: number; readonly embeddingScale?: number },
): Float32Array {
  const table = new Float32Array(size);
  for (const [row, id] of ids.entries())
    for (let j = 0; j < width; j++) table[id * width + j]! += embeddingScale * rows[row * width + j]!;
  return table;
}

/** Learning rate of a step, counted from 0: a linear rise, a plateau, a linear fall to zero. */
function learningRate({ learning_rate, warmup_steps, decay, steps }: TrainingSettings, step: number): number {
  const rise = warmup_steps === 0 ? 1 : Math.min(1, (step + 1) / warmup_steps);
  const fall = decay === 0 ? 1 : Math.min(1, (steps - step) / (steps * decay));
  return learning_rate * rise * fall;
}

/** Steps of which the curve has one point. */
const curveSteps = 20;

/**
 * Trains, or goes on from the stored state. Batches depend on seed and step alone, so that a run that was broken off ends in the same
 * weights as an unbroken one. Every `validate_every` steps, and at the end, the encoder is validated as it would be stored; the best is kept.
 * @throws ErrataError `edit_failed` where a loss is not finite; the signal's reason
 */
export async function train(
  { model, digest, initial, settings, records, validation }: TrainingInput,
  { onProgress, signal, checkpoint }: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<TrainedEncoder> {
  const { steps, validate_every } = settings;
  const stored = decodeState(await checkpoint.read());
  const weights = new Map(stored?.weights ?? initial.weights);
  const optimizers = makeOptimizers(initial.spec, settings);
  if (stored !== undefined) optimizers.restore(stored.optimizers);
  let best: ReadonlyMap<string, Float32Array> = stored?.best ?? new Map();
  let { step, chosen } = stored ?? { step: 0, chosen: 0 };
  const curve = [...(stored?.curve ?? [])];
  const validations = [...(stored?.validations ?? [])];
  const score = () => validations.find((one) => one.step === chosen)?.score ?? Number.NEGATIVE_INFINITY;
  const take = stepper({ model, initial, settings });
  const { spec, tokenizer, bounds } = initial;
  const asStored = (details: StoredKnowledgeEncoder['details'] = {}) =>
    encodeKnowledgeEncoder({ model: digest, spec, weights, tokenizer, bounds, details });

  while (step < steps) {
    signal?.throwIfAborted();
    const { terms, gradients } = await take(
      weights,
      drawBatch(records, settings, step),
      step < settings.contrastive_steps ? 0 : undefined,
    );
    if (!Number.isFinite(terms.loss))
      throw new ErrataError('edit_failed', `training diverged at step ${step + 1}: take a smaller learning rate`);
    await optimizers.step(weights, gradients, learningRate(settings, step));
    step++;
    if (step % curveSteps === 1 || step === steps) curve.push({ step, ...terms } as CurvePoint);
    onProgress?.({ stage: 'training', done: step, total: steps });
    if (step % validate_every !== 0 && step !== steps) continue;
    const found = await validate(model, asStored(), validation);
    const better = found.score > score();
    validations.push({ step, ...found });
    if (better) {
      best = new Map([...weights].map(([name, values]) => [name, values.slice()]));
      chosen = step;
    }
    await checkpoint.write(
      encodeState({ step, chosen, curve, validations, weights, best, optimizers: optimizers.state() }),
    );
  }
  await optimizers.release();
  return { weights: best, chosen, curve, validations };
}
