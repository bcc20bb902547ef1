// Trains a counterfactual model with its scope classifiers: the losses of SERAC and their gradients, step by step.
import { float32, float32Data, type HostTensor, int32 } from '@errata/graph';
import {
  boundedIds,
  type CounterfactualSpec,
  causalBias,
  decoderParameter,
  encodeCounterfactual,
  encoderParameter,
  frontText,
  type Model,
  pairInput,
  statementOf,
  type Tokenizer,
  textTokenizer,
  tokenEmbeddings,
} from '@errata/models';
import { runPruned } from '../../search/programs.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { makeOptimizers, makeParts } from '../../training/optimizers.ts';
import { type DrawnRecord, drawBatch, layOutItem, type TrainingRecord } from '../../training/records.ts';
import { tuneTargets } from '../../training/targets.ts';
import { gradientsOf, inputFeeds, trainedName } from '../../training/text-feeds.ts';
import { type StepResult, type Trained, train } from '../../training/train.ts';
import type { BuildOptions, Checkpoint } from '../builder.ts';
import type { Initial } from './initial.ts';
import { type LossTerm, seracGraph } from './losses.ts';
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

/** A record with the query of its scope that a step sees, and all that are known to be in it. */
export interface ScopedRecord extends DrawnRecord {
  readonly inScope: readonly string[];
}

/** The query of a record that is in scope in this step. */
const queryOf = ({ ownFirst, reliability, generality }: DrawnRecord) => (ownFirst ? reliability : generality);

/** The parts of a correction. */
const correctionOf = ({ statement, reliability: { query } }: Pick<TrainingRecord, 'statement' | 'reliability'>) => ({
  prompt: query,
  target: statement.slice(query.length),
});

const hidden = -1e9;

/** Which query is of which correction, or may be: not told apart from it. `[2B, B]`, those in scope first. */
function apartFrom(batch: readonly ScopedRecord[]): Float32Array {
  const count = batch.length;
  const apart = new Float32Array(2 * count * count);
  const scopes = batch.map(({ inScope }) => new Set(inScope));
  for (const [row, record] of batch.entries())
    for (const [column, scope] of scopes.entries()) {
      if (row === column || scope.has(queryOf(record).query)) apart[row * count + column] = hidden;
      if (scope.has(record.locality.query)) apart[(count + row) * count + column] = hidden;
    }
  return apart;
}

/** What the counterfactual model reads of a batch: each correction, its query and the answer, which it is to end. */
function answerFeeds(
  tokenizer: Tokenizer,
  template: string,
  batch: readonly DrawnRecord[],
): Readonly<Record<string, HostTensor>> {
  const end = tokenizer.eosId === undefined ? [] : [tokenizer.eosId];
  const start = tokenizer.prefixIds.length;
  const sequences = batch.map((record) => {
    const { promptIds, targetIds } = layOutItem(tokenizer, queryOf(record));
    const front = tokenizer.encode(frontText(template, correctionOf(record)));
    const prompt = [...promptIds.slice(0, start), ...front, ...promptIds.slice(start)];
    const answer = [...targetIds, ...end];
    return { ids: [...prompt, ...answer.slice(0, -1)], targetStart: prompt.length - 1, targetIds: answer };
  });
  const time = Math.max(...sequences.map(({ ids }) => ids.length));
  const ids = new Int32Array(batch.length * time);
  for (const [row, sequence] of sequences.entries()) ids.set(sequence.ids, row * time);
  const { rows, targets, weights } = tuneTargets(sequences, time, 'target_new');
  const places = (values: readonly number[]) => int32([values.length], Int32Array.from(values));
  return {
    ids: int32([ids.length], ids),
    positions: int32(
      [ids.length],
      ids.map((_, at) => at % time),
    ),
    bias: float32([batch.length, 1, time, time], causalBias(batch.length, time)),
    rows: places(rows),
    targets: places(targets),
    row_weights: float32([weights.length], Float32Array.from(weights)),
  };
}

/** Runs steps: losses and gradients of a batch; nothing is changed. */
export function stepper({ model, initial, settings }: Pick<TrainingInput, 'model' | 'initial' | 'settings'>) {
  const { spec, bounds } = initial;
  const view = model.view();
  const tokenizer = textTokenizer(initial, model);
  const own = requireTokenizer({ model });
  const table = encoderParameter(spec.encoder.tokenEmbedding);
  return async (
    weights: ReadonlyMap<string, Float32Array>,
    batch: readonly ScopedRecord[],
  ): Promise<StepResult<LossTerm>> => {
    const count = batch.length;
    const { representation, config, decoderConfig } = spec;
    const key = JSON.stringify([config, decoderConfig, representation, count, settings.counterfactual_weight]);
    const program = await view.program(`counterfactual model ${key}`, (source) =>
      seracGraph(spec, source(view.spec.tokenEmbedding), count, settings.counterfactual_weight, table),
    );
    const embeddings = tokenEmbeddings({ spec, weights }, model);
    const statements = batch.map((record) => statementOf(correctionOf(record)));
    const [inside, away] = [batch.map((each) => queryOf(each).query), batch.map(({ locality }) => locality.query)];
    const texts = inputFeeds(
      spec,
      embeddings,
      [...statements, ...inside, ...away].map((text) => ({ ids: boundedIds(tokenizer, bounds, text) })),
    );
    const apart = apartFrom(batch);
    // Each correction with the query of the next edit.
    const next = (at: number) => (at + 1) % count;
    const pairs = inputFeeds(
      spec,
      embeddings,
      [inside, away, inside.map((_, at) => inside[next(at)]!)].flatMap((queries) =>
        queries.map((query, at) => pairInput(tokenizer, bounds, statements[at]!, query)),
      ),
      'pair',
    );
    const weigh = (row: number, column: number) => (apart[row * count + column] === 0 ? 1 : 0);
    const pairWeights = [...batch.map(() => 1), ...batch.map((_, at) => weigh(next(at), at))];
    const feeds: Record<string, HostTensor> = {
      ...texts.feeds,
      ...pairs.feeds,
      apart: float32([2 * count, count], apart),
      pair_weights: float32([2 * count, 1], Float32Array.from(pairWeights)),
      ...answerFeeds(own, settings.template, batch),
    };
    for (const [name, dims] of spec.parameters) feeds[trainedName(name)] = float32(dims, weights.get(name)!);
    const out = await runPruned(program, feeds);
    const term = (name: LossTerm | 'loss') => float32Data(out[name]!)[0]!;
    return {
      terms: {
        loss: term('loss'),
        vectors: term('vectors'),
        pairs: term('pairs'),
        counterfactual: term('counterfactual'),
      },
      gradients: gradientsOf(spec, weights, out, table, { text: texts, pair: pairs }),
    };
  };
}

/** The counterfactual model learns at a rate of its own: it has further to go than classifiers that were fitted first. */
function optimizersOf({ parameters }: CounterfactualSpec, settings: TrainingSettings) {
  const partOf = (name: string) => (name.startsWith(decoderParameter('')) ? 'counterfactual' : 'scope');
  const ofPart = (part: string, learning_rate: number) =>
    makeOptimizers(
      { parameters: new Map([...parameters].filter(([name]) => partOf(name) === part)) },
      { ...settings, learning_rate },
    );
  const { learning_rate, counterfactual_learning_rate } = settings;
  return makeParts(
    {
      scope: ofPart('scope', learning_rate),
      counterfactual: ofPart('counterfactual', counterfactual_learning_rate),
    },
    partOf,
  );
}

/** Trains, or goes on from the stored state; every checkpoint is validated as it would be stored. @throws as {@link train} */
export function trainCounterfactual(
  { model, digest, initial, settings, records, validation }: TrainingInput,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Trained> {
  const take = stepper({ model, initial, settings });
  const { spec, tokenizer, bounds } = initial;
  const { template } = settings;
  const scopes = new Map<string, readonly string[]>();
  for (const { statement, reliability, generality } of records)
    scopes.set(statement, [reliability.query, ...generality.flat().map(({ query }) => query)]);
  return train(
    {
      ...settings,
      weights: initial.weights,
      optimizers: optimizersOf(spec, settings),
      take: (weights, step) =>
        take(
          weights,
          drawBatch(records, settings, step).map((record) => ({ ...record, inScope: scopes.get(record.statement)! })),
        ),
      validate: (weights) =>
        validate(
          model,
          encodeCounterfactual({ model: digest, spec, weights, tokenizer, bounds, template, details: {} }),
          validation,
        ),
    },
    options,
  );
}
