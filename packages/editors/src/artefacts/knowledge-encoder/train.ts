// Trains a knowledge encoder with the language model frozen: the losses of RECIPE and their gradients, step by step.
import { float32, float32Data, type HostTensors } from '@errata/graph';
import { encodeKnowledgeEncoder, encoderParameter, type Model, textTokenizer, tokenEmbeddings } from '@errata/models';
import { runPruned } from '../../search/programs.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { beforeProgram } from '../../training/before.ts';
import { makeOptimizers } from '../../training/optimizers.ts';
import { type DrawnRecord, drawBatch, type TrainingRecord } from '../../training/records.ts';
import { gradientsOf, type TextReader, textFeeds, trainedName } from '../../training/text-feeds.ts';
import { type StepResult, type Trained, train } from '../../training/train.ts';
import type { BuildOptions, Checkpoint } from '../builder.ts';
import { batchTexts, beforeFeeds, editFeeds } from './feeds.ts';
import type { Initial } from './initial.ts';
import { type LossTerm, lossTerms, recipeGraph } from './losses.ts';
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
  const reader: TextReader = { tokenizer: textTokenizer(initial, model), bounds: initial.bounds };
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
    const gradients = gradientsOf(spec, weights, out, table, { text: texts });
    const terms = Object.fromEntries(
      (['loss', ...lossTerms] as const).flatMap((name) => {
        const value = out[name];
        return value ? [[name, float32Data(value)[0]!]] : [];
      }),
    );
    return { terms: terms as StepResult<LossTerm>['terms'], gradients };
  };
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
