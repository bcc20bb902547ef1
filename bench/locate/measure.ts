// One measurement of the bench of editors that locate and edit, in a process of its own: what is ordered, how long it takes, and its floor.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atlasDirectory, buildWorld, drawEdits } from '@errata/atlas';
import { layerScope } from '@errata/contracts';
import {
  buildArtefacts,
  type EditOutcome,
  type EditRequest,
  type EditSequences,
  edit,
  editSequences,
  localArtefacts,
  openArtefacts,
  prefixTexts,
} from '@errata/editors';
import {
  artefactNeeds,
  type EditorName,
  type EditorSettings,
  modelDefaultsSchema,
  resolveConfig,
} from '@errata/editors/catalogue';
import { fileArtefactStore } from '@errata/engine';
import { type DecoderSpec, loadCheckpoint, type Model, openModel } from '@errata/models';
import { median } from '../median.ts';
import {
  floorSeconds,
  keysWork,
  measureRates,
  momentsWork,
  type Rates,
  searchWork,
  solveWork,
  sumWork,
  type Took,
  timed,
  ultraEditWork,
  type Work,
} from './floor.ts';
import { type NaiveSettings, naiveSearcher } from './naive-value-search.ts';

/** What is to be measured: an editor, the value search of r-ROME in its plain form, or what editors need beforehand. */
export interface Order {
  readonly measure: EditorName | 'naive' | 'second_moment' | 'eigenbasis';
  readonly model: string;
  /** Edits in one batch. */
  readonly count: number;
}

/** What a measurement finds. */
interface Found {
  /** Of an edit, or of the whole where it is no edit: the median of several, where they are few. */
  readonly took: Took;
  /** Seconds of processors that it takes at least; null where nobody has counted it. */
  readonly floor: number | null;
  readonly rates: Rates;
  readonly failed: number;
  /** Mean steps of the edits. */
  readonly steps: number;
  /** What a peer is given, so that it does the same; null where there is none. */
  readonly given: Given | null;
}

export interface Given {
  readonly edits: readonly EditRequest[];
  readonly prefixes: readonly string[];
  readonly config: EditorSettings;
}

export interface Measured extends Found {
  readonly peakBytes: number;
  readonly weightBytes: number;
}

interface Loaded {
  readonly model: Model;
  readonly digest: string;
  readonly directory: string;
  readonly shape: { readonly model_type: string; readonly layers: number; readonly width: number };
}

const momentTokens = 4096;
const ridge = 1e-3;
/** Tokens that second moments are taken over at a time, at most. */
const momentWindow = 2048;
const corpus = join(atlasDirectory, 'corpus.txt');
/** Edits that are each timed alone, where batches are of one. */
const alone = 3;
const seed = 0;

/** Kept between runs: what is measured of them is measured without it. */
const store = fileArtefactStore(fileURLToPath(new URL('../../.errata/bench/', import.meta.url)));

/** Of several, which is the median by processor time. */
const middleOf = (times: readonly Took[]): number => {
  const processor = times.map((took) => took.processor);
  return processor.indexOf(median(processor));
};

function configOf({ directory, shape }: Loaded, name: EditorName) {
  const own = join(directory, 'errata.json');
  const defaults = modelDefaultsSchema.parse(existsSync(own) ? JSON.parse(readFileSync(own, 'utf8')) : {});
  return resolveConfig(name, shape, defaults, {});
}

async function artefactsFor({ model, digest, shape }: Loaded, name: EditorName, config: EditorSettings) {
  const request = { tokens: momentTokens, ridge };
  return localArtefacts({ model, digest, store, corpus, request }, artefactNeeds(name, config, shape, seed));
}

/** Of an editor that has context prefixes. */
type PrefixSettings = Parameters<typeof prefixTexts>[0]['config'];

/** Where an editor writes. */
const layersIn = (config: EditorSettings): readonly number[] =>
  (config.layers as readonly number[] | undefined) ?? [config.layer as number];

/** What a batch takes at least; null of editors of which it was not counted. */
function workOf(
  name: EditorName,
  spec: DecoderSpec,
  config: EditorSettings,
  sequences: readonly EditSequences[],
  steps: readonly number[],
): Work | null {
  const layers = layersIn(config);
  const last = layers.at(-1)!;
  const searches = (from: number) => sequences.map((one, i) => searchWork(spec, one, from, steps[i]!));
  const spread = () => layers.flatMap(() => [keysWork(spec, sequences, last), solveWork(spec, sequences.length)]);
  switch (name) {
    case 'rome':
    case 'r-rome':
    case 'p-rome':
      return sumWork([...searches(last + 1), ...sequences.map(() => solveWork(spec, 1))]);
    case 'memit':
    case 'emmet':
    case 'alpha-edit':
    case 'sphere':
      return sumWork([...searches(last + 1), ...spread()]);
    case 'pmet':
      return sumWork([...searches(last), ...spread()]);
    case 'ultra-edit':
      return ultraEditWork(
        spec,
        sequences.map(({ contexts: [bare] }) => bare),
        layers,
      );
    default:
      return null;
  }
}

async function measureEditor(loaded: Loaded, name: EditorName, count: number): Promise<Found> {
  const { model } = loaded;
  const config = configOf(loaded, name);
  const artefacts = await artefactsFor(loaded, name, config);
  const batches = count === 1 ? alone : 1;
  const [first, ...edits] = drawEdits(buildWorld(), batches * count + 1, 1).map(({ edit: one }) => one);
  const rates = await measureRates();
  const make = async (some: readonly EditRequest[], settings: EditorSettings) =>
    edit(name, { model, view: model.view(), edits: some, config: settings, artefacts, seed }, { onError: 'continue' });
  // Programs are compiled once for all edits of a process.
  await make([first!], 'steps' in config ? { ...config, steps: 1 } : config);
  const times: Took[] = [];
  const floors: (number | null)[] = [];
  const outcomes: EditOutcome[] = [];
  const prefixes = 'prefixes' in config ? await prefixTexts({ artefacts, seed, config: config as PrefixSettings }) : [];
  const source = { tokenizer: model.tokenizer!, context: model.spec.context };
  for (let batch = 0; batch < batches; batch++) {
    const some = edits.slice(batch * count, (batch + 1) * count);
    let made: readonly EditOutcome[] = [];
    times.push(
      await timed(async () => {
        made = (await make(some, config)).outcomes;
      }),
    );
    outcomes.push(...made);
    const done = made.flatMap((outcome, i) =>
      outcome.outcome === 'failed'
        ? []
        : [{ sequences: editSequences(source, some[i]!, prefixes), steps: outcome.diagnostics.steps }],
    );
    const work = workOf(
      name,
      model.spec,
      config,
      done.map((one) => one.sequences),
      done.map((one) => one.steps),
    );
    floors.push(work && floorSeconds(work, rates));
  }
  const steps = outcomes.flatMap((one) => (one.outcome === 'failed' ? [] : [one.diagnostics.steps]));
  const middle = middleOf(times);
  const { clock, processor } = times[middle]!;
  return {
    took: { clock: clock / count, processor: processor / count },
    floor: floors[middle] === null ? null : floors[middle]! / count,
    rates,
    failed: outcomes.length - steps.length,
    steps: steps.reduce((a, b) => a + b, 0) / steps.length,
    given: { edits, prefixes, config },
  };
}

/** The search of r-ROME by the whole model at every step, over every position, with every logit, no caches and no early stop. */
async function measureNaive(loaded: Loaded): Promise<Found> {
  const view = loaded.model.view();
  const settings = configOf(loaded, 'r-rome');
  const config = settings as unknown as PrefixSettings & NaiveSettings & { readonly layer: number };
  const artefacts = await artefactsFor(loaded, 'r-rome', settings);
  const prefixes = await prefixTexts({ artefacts, seed, config });
  const source = { tokenizer: loaded.model.tokenizer!, context: view.spec.context };
  const edits = drawEdits(buildWorld(), alone, 1).map(({ edit: one }) => one);
  const sequences = edits.map((one) => editSequences(source, one, prefixes));
  const [first, ...rest] = sequences;
  const batch = first!.contexts.length + 1;
  const time = Math.max(...sequences.flatMap(({ contexts }) => contexts.map(({ ids }) => ids.length)));
  const rates = await measureRates();
  const naive = await naiveSearcher(view.spec, (weight) => view.weight(weight), config.layer, batch, time);
  await naive.search(first!, { ...config, steps: 1 });
  const times: Took[] = [];
  for (const one of rest) times.push(await timed(() => naive.search(one, config)));
  return { took: times[middleOf(times)]!, floor: null, rates, failed: 0, steps: config.steps, given: null };
}

/** What the editors of a model need beforehand, all layers in one pass: MEMIT's second moments with their inverses, or AlphaEdit's eigenvectors of the first. */
async function measureArtefacts(loaded: Loaded, kind: 'second_moment' | 'eigenbasis'): Promise<Found> {
  const { model, digest } = loaded;
  const layers = layersIn(configOf(loaded, 'memit')).slice(0, kind === 'eigenbasis' ? 1 : undefined);
  const needs = (of: string) => layers.map((layer) => ({ kind: of, scope: layerScope(layer), parameters: {} }));
  const input = { model, digest, request: { tokens: momentTokens, ridge }, corpus, brought: async () => undefined };
  const nowhere = { get: async () => undefined, put: async () => {}, delete: async () => {} };
  const parents =
    kind === 'eigenbasis'
      ? await localArtefacts({ model, digest, store, corpus, request: input.request }, needs('second_moment'))
      : openArtefacts(digest, []);
  const rates = await measureRates();
  const took = await timed(() =>
    buildArtefacts(kind, needs(kind), { input, parents, scratch: nowhere, keep: async () => undefined }),
  );
  const { spec } = model;
  const work =
    kind === 'eigenbasis' ? null : momentsWork(spec, layers, momentTokens, Math.min(spec.context, momentWindow));
  return { took, floor: work && floorSeconds(work, rates), rates, failed: 0, steps: 0, given: null };
}

/** Does what is ordered, in this process. */
export async function runOrder({ measure, model: directory, count }: Order): Promise<Measured> {
  const checkpoint = await loadCheckpoint(directory);
  const model = openModel(checkpoint);
  checkpoint.close();
  if (model.tokenizer === undefined) throw new Error(`${directory} has no tokenizer`);
  const { layers, width } = model.spec;
  const shape = { model_type: checkpoint.config.model_type, layers, width };
  const loaded: Loaded = { model, digest: checkpoint.digest, directory, shape };
  const found = await (measure === 'naive'
    ? measureNaive(loaded)
    : measure === 'second_moment' || measure === 'eigenbasis'
      ? measureArtefacts(loaded, measure)
      : measureEditor(loaded, measure, count));
  const measured = { ...found, peakBytes: 1024 * process.resourceUsage().maxRSS, weightBytes: model.weightBytes };
  await model.release();
  return measured;
}
