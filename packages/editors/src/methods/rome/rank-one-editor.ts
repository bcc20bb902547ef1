// What ROME and its kin share: one fact, one rank-one update of one MLP, by a choice of keys and, for WilKE, of the layer.
import type { View } from '@errata/models';
import { builder as secondMoments } from '../../artefacts/second-moment/build.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import type { EditOutcome, Editor, EditorDelta, EditorInput, EditorOptions, EditRequest } from '../../editor.ts';
import { attempt, changeNorms, heldOutcome, valueDelta } from '../../outcomes.ts';
import {
  type FoundOffset,
  type PreparedSearch,
  prepareSearch,
  requireFound,
  type SubjectActivations,
  searchValues,
} from '../../search/value-search.ts';
import { rankOneUpdate } from '../../solve/rank-one.ts';
import { prefixTexts } from '../../texts/prefix-texts.ts';
import { type EditSequences, editSequences } from '../../texts/sequences.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import type { RankOneSettings, RomeSettings } from './settings.ts';

/** The keys that an update solves with and is scaled by, and the change of value asked at the latter. */
export type KeyChoice = (
  activations: SubjectActivations,
  offset: Float64Array,
) => { readonly solveKey: Float64Array; readonly scaleKey: Float64Array; readonly change: Float64Array };

/** What a search found at a layer. */
export interface Candidate {
  readonly layer: number;
  readonly prepared: PreparedSearch;
  readonly found: FoundOffset;
}

/** What sets these editors apart. */
export interface RankOneMethod<Settings extends RankOneSettings> {
  /** Where the edit may be made. */
  layers(config: Settings): readonly number[];
  /** How little a layer is suited to an edit, where there are several: the edit is made where this is least. */
  score(input: EditorInput<Settings>, view: View, candidate: Candidate): Promise<number>;
  keysOf(config: Settings): KeyChoice;
  /** C^-1 of a layer, or null for C = I. */
  inverse(input: EditorInput<Settings>, layer: number): Promise<Float64Array | null>;
}

/** C^-1 as it was measured. */
export const measuredInverse = async ({ artefacts }: Pick<EditorInput, 'artefacts'>, layer: number) =>
  (await artefacts.read(secondMoments, secondMomentOf(layer))).inverse;

interface Worked {
  /** The view that was given where the edit holds already. */
  readonly view: View;
  readonly deltas: readonly EditorDelta[];
  readonly outcome: EditOutcome;
}

/** Searches at every layer that the edit may be made at; at one alone where it turns out to hold already. */
async function searchLayers<Settings extends RankOneSettings>(
  { config, edits }: EditorInput<Settings>,
  view: View,
  layers: readonly number[],
  sequences: EditSequences,
  done: number,
  { onProgress, signal }: EditorOptions,
): Promise<readonly Candidate[]> {
  const candidates: Candidate[] = [];
  for (const layer of layers) {
    const prepared = await prepareSearch(view, { layer, site: 'mlp_out' }, [sequences]);
    const { custom_id } = sequences;
    const onStep = (_: unknown, step: number, loss: number) =>
      onProgress?.({ phase: 'search', done, edits: edits.length, custom_id, layer, step, steps: config.steps, loss });
    const [found] = await searchValues(view, [prepared], config, { signal, onStep });
    candidates.push({ layer, prepared, found: found! });
    if (found!.holds) break;
  }
  return candidates;
}

interface Scored extends Candidate {
  readonly score: number;
}

/** The candidates at which there is something to add, the best first; all where there is none, so that an error is about the first. */
async function ranked(candidates: readonly Candidate[], score: (candidate: Candidate) => Promise<number>) {
  const usable = candidates.filter(
    ({ found: { last, offset } }) => Number.isFinite(last.total) && offset.some((x) => x !== 0),
  );
  const scored: Scored[] = [];
  for (const one of usable.length > 0 ? usable : candidates) scored.push({ ...one, score: await score(one) });
  return scored.toSorted((a, b) => a.score - b.score);
}

async function workOne<Settings extends RankOneSettings>(
  input: EditorInput<Settings>,
  method: RankOneMethod<Settings>,
  view: View,
  edit: EditRequest,
  { done, prefixes }: { readonly done: number; readonly prefixes: readonly string[] },
  options: EditorOptions,
): Promise<Worked> {
  const { config } = input;
  const { custom_id } = edit;
  const sequences = editSequences(sequenceSource(input), edit, prefixes);
  const candidates = await searchLayers(input, view, method.layers(config), sequences, done, options);
  const [{ found: first }] = candidates as readonly [Candidate];
  if (first.holds)
    return { view, deltas: [], outcome: heldOutcome(custom_id, first.first, first.probabilities[0]!.before) };
  const scores = candidates.length > 1 ? await ranked(candidates, (one) => method.score(input, view, one)) : undefined;
  const { layer, prepared, found } = scores?.[0] ?? candidates[0]!;
  requireFound([custom_id], found);
  const inverse = await method.inverse(input, layer);
  const update = rankOneUpdate({ ...method.keysOf(config)(prepared.activations[0]!, found.offset), inverse });
  const delta = valueDelta(view.spec, layer, [custom_id], 1, update.keySide, update.valueSide);
  const edited = view.with([delta]);
  const diagnostics = {
    steps: candidates.reduce((sum, one) => sum + one.found.steps, 0),
    first_loss: found.first,
    last_loss: found.last,
    target_probability: found.probabilities[0]!,
    value_norms: { offset: Math.hypot(...found.offset), value: found.valueNorm },
    prefixes: sequences.prefixes,
    denominator: update.denominator,
    ...(scores && { layer_scores: scores.map(({ layer, score }) => ({ layer, score })) }),
    deltas: [changeNorms(view, edited, layer)],
  };
  return {
    view: edited,
    deltas: [{ delta, custom_ids: [custom_id] }],
    outcome: { custom_id, outcome: 'applied', diagnostics },
  };
}

/** Edits of a batch are applied one after another, each on top of those before it. */
export const rankOneEditor =
  <Settings extends RankOneSettings>(method: RankOneMethod<Settings>): Editor<Settings> =>
  async (input, options) => {
    const { edits } = input;
    const { onProgress } = options;
    onProgress?.({ phase: 'prepare', done: 0, edits: edits.length });
    // What is missing is said before anything is searched for.
    const [first] = method.layers(input.config);
    await method.inverse(input, first!);
    const prefixes = await prefixTexts(input);
    const deltas: EditorDelta[] = [];
    const outcomes: EditOutcome[] = [];
    let view = input.view;
    for (const [done, edit] of edits.entries()) {
      const failed = await attempt([edit], options, async () => {
        const worked = await workOne(input, method, view, edit, { done, prefixes }, options);
        view = worked.view;
        deltas.push(...worked.deltas);
        outcomes.push(worked.outcome);
      });
      outcomes.push(...failed.values());
      onProgress?.({ phase: 'solve', done: done + 1, edits: edits.length, custom_id: edit.custom_id });
    }
    return { deltas, outcomes };
  };

/** The methods that edit one given layer. */
export const oneLayerEditor = <Settings extends RomeSettings>(
  keysOf: (config: Settings) => KeyChoice,
): Editor<Settings> =>
  rankOneEditor<Settings>({
    layers: ({ layer }) => [layer],
    score: async () => 0,
    keysOf,
    inverse: async (input, layer) => (input.config.second_moment ? measuredInverse(input, layer) : null),
  });
