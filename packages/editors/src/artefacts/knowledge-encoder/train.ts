// Trains a knowledge encoder with the language model frozen: the losses of RECIPE and their gradients, step by step.
import { float32, float32Data, type HostTensors } from '@errata/graph';
import {
  encodeKnowledgeEncoder,
  encoderParameter,
  knowledgeTokenizer,
  type Model,
  tokenEmbeddings,
} from '@errata/models';
import { runPruned } from '../../search/programs.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { beforeProgram } from '../../training/before.ts';
import { type DrawnRecord, drawBatch, type TrainingRecord } from '../../training/records.ts';
import { type StepResult, type Trained, train } from '../../training/train.ts';
import type { BuildOptions, Checkpoint } from '../builder.ts';
import { batchTexts, beforeFeeds, editFeeds, type TextReader, textFeeds } from './feeds.ts';
import type { Initial } from './initial.ts';
import { gradientName, type LossTerm, lossTerms, recipeGraph, trainedName } from './losses.ts';
import { makeOptimizers } from './optimizers.ts';
import type { TrainingSettings } from './request.ts';
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
    return { ...editFeeds(edits, form), ...(await runPruned(await beforeProgram(view), beforeFeeds(edits, form))) };
  };
  return async (
    weights: ReadonlyMap<string, Float32Array>,
    batch: readonly DrawnRecord[],
    edits = settings.edit_batch_size,
  ): Promise<StepResult<LossTerm>> => {
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
    return { terms: terms as StepResult<LossTerm>['terms'], gradients };
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

/** Trains, or goes on from the stored state; every checkpoint is validated as it would be stored. @throws as {@link train} */
export function trainEncoder(
  { model, digest, initial, settings, records, validation }: TrainingInput,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Trained> {
  const take = stepper({ model, initial, settings });
  const { spec, tokenizer, bounds } = initial;
  return train(
    {
      ...settings,
      weights: initial.weights,
      optimizers: makeOptimizers(spec, settings),
      take: (weights, step) =>
        take(weights, drawBatch(records, settings, step), step < settings.contrastive_steps ? 0 : undefined),
      validate: (weights) =>
        validate(
          model,
          encodeKnowledgeEncoder({ model: digest, spec, weights, tokenizer, bounds, details: {} }),
          validation,
        ),
    },
    options,
  );
}
