// Trains an alignment with the rest of the model frozen: behind a correction, queries about it get the new answer, and others what they had without it.
import { adamW, float32, float32Data, gradients, type NamedArrays } from '@errata/graph';
import type { LowRankDelta, Model, View } from '@errata/models';
import { judgedFeeds, outerLoss, outerTerms } from '../../hypernetworks/outer-loss.ts';
import { runPruned } from '../../search/programs.ts';
import type { TargetSequence } from '../../texts/sequences.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { type Adapters, adaptersOf } from '../../training/adapters.ts';
import { agreement } from '../../training/agreement.ts';
import { type DrawnRecord, drawBatch, type Item, itemSequence, type TrainingRecord } from '../../training/records.ts';
import {
  type Optimizers,
  type StepResult,
  scheduled,
  type Trained,
  train,
  type Validation,
} from '../../training/train.ts';
import type { BuildOptions, Checkpoint } from '../builder.ts';
import { type AlignmentTraining, frontOf } from './request.ts';

/** What is trained, on what. */
export interface AlignmentInput {
  readonly model: Model;
  readonly settings: AlignmentTraining;
  readonly records: readonly TrainingRecord[];
  /** Not trained on. */
  readonly validation: readonly TrainingRecord[];
}

/** The change, as LTE's for LoRA: of queries, keys and values. */
export const alignmentAdapters = (
  { spec }: Pick<Model, 'spec'>,
  { lora_rank: rank, lora_alpha: alpha, seed }: AlignmentTraining,
): Adapters => adaptersOf(spec, { rank, alpha, targets: ['query', 'key', 'value'], layers: null }, seed);

/** How a model's texts become sequences behind a correction. */
function frontedBy(model: Model) {
  const tokenizer = requireTokenizer({ model });
  const start = tokenizer.prefixIds.length;
  return (statement: string, item: Item): TargetSequence => {
    const { ids, targetStart, targetIds } = itemSequence(tokenizer, item);
    const front = tokenizer.encode(frontOf(statement));
    const whole = [...ids.slice(0, start), ...front, ...ids.slice(start)];
    return { ids: whole, targetStart: targetStart + front.length, targetIds };
  };
}

const gradientName = (name: string): string => `d ${name}`;

/**
 * Runs steps: behind the correction of each record its own prompt and a rewording are to be answered as it says, and what it is not about as without it.
 */
export function alignmentStepper({ model, settings }: Pick<AlignmentInput, 'model' | 'settings'>, adapters: Adapters) {
  const view = model.view();
  const tokenizer = requireTokenizer({ model });
  const fronted = frontedBy(model);
  const { locality_weight } = settings;
  const program = () =>
    view.program(`alignment ${locality_weight} ${adapters.key}`, (own) => {
      const { weight, trained } = adapters.apply(own);
      const judged = outerLoss(model.spec, weight, (_site, _layer, x) => x, { edit_weight: 1, locality_weight });
      const slopes = gradients(judged.loss, trained);
      const named = adapters.parameters.map(({ name }, at) => [gradientName(name), slopes[at]!] as const);
      return { ...judged, ...Object.fromEntries(named) };
    });
  return async (weights: NamedArrays, batch: readonly DrawnRecord[]): Promise<StepResult> => {
    const asked = (['reliability', 'generality'] as const).flatMap((sort) =>
      batch.map((record) => fronted(record.statement, record[sort])),
    );
    const away = batch.map(({ statement, locality }) => fronted(statement, locality));
    const alone = batch.map(({ locality }) => itemSequence(tokenizer, locality));
    const { feeds } = await judgedFeeds(view, asked, away, alone);
    const own = adapters.parameters.map(({ name, shape }) => [name, float32(shape, weights.get(name)!)] as const);
    const out = await runPruned(await program(), { ...feeds, ...Object.fromEntries(own) });
    const of = (name: string) => float32Data(out[name]!)[0]!;
    return {
      terms: { loss: of('loss'), ...Object.fromEntries(outerTerms.map((term) => [term, of(term)])) },
      gradients: new Map(adapters.parameters.map(({ name }) => [name, float32Data(out[gradientName(name)]!)])),
    };
  };
}

/**
 * What an alignment comes to on edits that it was not trained on, each behind its own correction: of what a correction is not about the first probe
 * of each category, and of these apart what the model knows, which is no guess that any text in front may change.
 */
async function validate(
  model: Model,
  deltas: readonly LowRankDelta[],
  records: readonly TrainingRecord[],
): Promise<Validation> {
  const [base, aligned] = [model.view(), model.view(deltas)];
  const tokenizer = requireTokenizer({ model });
  const fronted = frontedBy(model);
  const scored = (view: View, sequences: readonly TargetSequence[]) =>
    view.score(
      sequences.map(({ ids, targetStart, targetIds }) => ({
        prompt: ids.slice(0, targetStart + 1),
        target: targetIds,
      })),
    );
  const brought = async (itemOf: (record: TrainingRecord) => Item) => {
    const sequences = records.map((record) => fronted(record.statement, itemOf(record)));
    return agreement(
      await scored(aligned, sequences),
      sequences.map(({ targetIds }) => targetIds),
    );
  };
  const away = records.flatMap(({ statement, locality }) => locality.map(([item]) => ({ statement, item: item! })));
  const alone = away.map(({ item }) => itemSequence(tokenizer, item));
  const before = await scored(base, alone);
  const after = await scored(
    aligned,
    away.map(({ statement, item }) => fronted(statement, item)),
  );
  const known = away.flatMap((_, at) => (agreement([before[at]!], [alone[at]!.targetIds]) === 1 ? [at] : []));
  const left = (among: readonly number[]) =>
    agreement(
      among.map((at) => after[at]!),
      among.map((at) => before[at]!.best),
    );
  const reliability = await brought((record) => record.reliability);
  const generality = await brought((record) => record.generality[0]![0]!);
  const locality = left([...away.keys()]);
  const of = { reliability, generality, locality };
  return {
    score: (reliability + generality + locality) / 3,
    ...of,
    // Of models that know none of it there is no such share.
    ...(known.length > 0 && { locality_known: left(known) }),
  };
}

function optimizersOf(settings: AlignmentTraining): Optimizers {
  const adam = adamW();
  return {
    step: (weights, slopes, step) => adam.step(weights, slopes, settings.learning_rate * scheduled(settings, step)),
    state: () => ({ adam: adam.state() }),
    restore: (states) => {
      if (states.adam) adam.restore(states.adam);
    },
    release: async () => {},
  };
}

/** Trains, or goes on from the stored state. @returns the change of the checkpoint that was chosen @throws as {@link train} */
export async function trainAlignment(
  { model, settings, records, validation }: AlignmentInput,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Omit<Trained, 'weights'> & { readonly deltas: readonly LowRankDelta[] }> {
  const adapters = alignmentAdapters(model, settings);
  const take = alignmentStepper({ model, settings }, adapters);
  const changeOf = (of: NamedArrays) => adapters.deltasOf(of).map(({ delta }) => delta);
  const drawn = { ...settings, run_length: 1 };
  const { weights, ...course } = await train(
    {
      ...settings,
      weights: new Map(adapters.parameters.map(({ name, values }) => [name, values])),
      optimizers: optimizersOf(settings),
      take: (weights, step) => take(weights, drawBatch(records, drawn, step)),
      validate: (weights) => validate(model, changeOf(weights), validation),
    },
    options,
  );
  return { ...course, deltas: changeOf(weights) };
}
