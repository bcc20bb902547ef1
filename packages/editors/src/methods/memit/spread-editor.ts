// What MEMIT and its kin share: many facts in one batch, written into one MLP or several, with one shared value a subject (MEMIT-Merge).
import type { Delta, View } from '@errata/models';
import type {
  DeltaNorms,
  EditOutcome,
  Editor,
  EditorDelta,
  EditorInput,
  EditorOptions,
  EditRequest,
} from '../../editor.ts';
import { attempt, attemptEach, changeNorms, requireFinite, valueDelta } from '../../outcomes.ts';
import { type FoundOffset, requireFound } from '../../search/value-search.ts';
import type { LeastSquaresUpdate } from '../../solve/least-squares.ts';
import { outputChange } from '../../solve/output-change.ts';
import { minus, scaled } from '../../solve/vectors.ts';
import { prefixTexts } from '../../texts/prefix-texts.ts';
import { editSequences } from '../../texts/sequences.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import { readColumns } from './columns.ts';
import { type Group, groupEdits, idsOf, type LaidOut } from './groups.ts';
import type { SpreadSettings } from './settings.ts';
import { findTargets, type Target, type TargetPlace } from './targets.ts';

/** One layer's update in closed form, from a key and a residual an edit. */
export type SolveLayer = (
  layer: number,
  keys: readonly Float64Array[],
  residuals: readonly Float64Array[],
) => Promise<LeastSquaresUpdate>;

/** What sets these editors apart. */
export interface SpreadMethod<Settings extends SpreadSettings> {
  /**
   * Where edits are made, in ascending order: the layers that share one residual, found at the last of them. Several such stages come one
   * after another, each with values of its own, searched for under what the one before has become.
   */
  stages(config: Settings): readonly (readonly number[])[];
  readonly place: TargetPlace;
  /** The part of what is missing that a layer is given, with so many left to take a share, itself among them. */
  share(left: number): number;
  /** Reads what it solves with, before anything is searched for. */
  solver(input: EditorInput<Settings>): Promise<SolveLayer>;
  /** What is made of the change of a layer before it is installed, once all are solved: left out by most. `parent` is without any. */
  guard?(parent: View, layer: number, update: LeastSquaresUpdate, config: Settings): Promise<LeastSquaresUpdate>;
  /** What it leaves beside the change of a matrix, of the keys that its edits have once all layers are changed; left out by most. */
  remembers?(view: View, layer: number, keys: readonly Float64Array[]): Delta;
}

/** MEMIT's: values of the residual stream, and of what is missing there an equal part for each layer that is left. */
export const equalShares = {
  place: { site: 'block_out', value: 'blockOut' },
  share: (left) => 1 / left,
} as const satisfies Pick<SpreadMethod<SpreadSettings>, 'place' | 'share'>;

/** A group, and what was found for it at each stage. */
interface Worked {
  readonly group: Group;
  readonly found: readonly [FoundOffset, ...FoundOffset[]];
}

interface Spread {
  readonly view: View;
  readonly updates: readonly LeastSquaresUpdate[];
  /** Those that were changed. */
  readonly layers: readonly number[];
  readonly deltas: readonly EditorDelta[];
  /** Of each layer, for each group: the share of its residual that it gets at its own key. */
  readonly delivered: readonly (readonly number[])[];
}

interface Made extends Spread {
  readonly worked: readonly Worked[];
}

/** One batch at work. */
interface Batch<Settings extends SpreadSettings> {
  readonly input: EditorInput<Settings>;
  readonly method: SpreadMethod<Settings>;
  readonly solve: SolveLayer;
  readonly options: EditorOptions;
}

/** Layer by layer, each taking its share of what is still missing under the layers already changed. */
async function spread<Settings extends SpreadSettings>(
  { input: { edits }, method, solve, options: { onProgress, signal } }: Batch<Settings>,
  layers: readonly number[],
  targets: readonly Target[],
  before: View,
): Promise<Spread> {
  const searched = { searched: layers.at(-1)!, value: method.place.value };
  const groups = targets.map(({ group }) => group);
  const custom_ids = idsOf(groups);
  const deltas: EditorDelta[] = [];
  const updates: LeastSquaresUpdate[] = [];
  const delivered: (readonly number[])[] = [];
  let view = before;
  for (const [i, layer] of layers.entries()) {
    onProgress?.({ phase: 'solve', done: 0, edits: edits.length, layer, step: i + 1, steps: layers.length });
    const columns = await readColumns(view, layer, searched, groups, signal);
    const share = method.share(layers.length - i);
    const residuals = targets.map(({ value }, g) => {
      const missing = scaled(minus(value, columns[g]!.value), share);
      return method.place.value === 'mlpOut' ? missing : outputChange(view, layer, columns[g]!.output, missing);
    });
    const keys = columns.map(({ key }) => key);
    const update = await solve(layer, keys, residuals);
    const delta = valueDelta(view.spec, layer, custom_ids, groups.length, update.keySide.data, update.valueSide.data);
    deltas.push({ delta, custom_ids });
    updates.push(update);
    delivered.push(deliveredBy(update, keys));
    view = view.with([delta]);
  }
  return { view, layers, updates, deltas, delivered };
}

/** k^T (lambda C + K K^T)^-1 k of each key k: what it gets of its own residual. */
function deliveredBy({ keySide: { data } }: LeastSquaresUpdate, keys: readonly Float64Array[]): readonly number[] {
  return keys.map((key, g) => key.reduce((sum, x, j) => sum + x * data[j * keys.length + g]!, 0));
}

/** All stages, and what is remembered of them. */
async function workStages<Settings extends SpreadSettings>(
  batch: Batch<Settings>,
  first: readonly Target[],
): Promise<Made> {
  const { input, method, options } = batch;
  const [start, ...later] = method.stages(input.config);
  let { view, layers: changed, updates, deltas, delivered } = await spread(batch, start!, first, input.view);
  let worked = first.map(({ group, found }): Worked => ({ group, found: [found] }));
  const groups = worked.map(({ group }) => group);
  for (const layers of later) {
    const asked = { view, layer: layers.at(-1)!, place: method.place, tellsHeld: false };
    const { targets } = await findTargets(input, asked, groups, options);
    for (const { group, found } of targets)
      requireFinite([Float32Array.of(found.last.total)], asked.layer, idsOf([group]));
    worked = worked.map(({ group, found }, i): Worked => ({ group, found: [...found, targets[i]!.found] }));
    // What holds by now needs no further layer; where all do, there is nothing to add.
    if (targets.every(({ found }) => found.holds)) continue;
    const next = await spread(batch, layers, targets, view);
    view = next.view;
    changed = [...changed, ...next.layers];
    updates = [...updates, ...next.updates];
    deltas = [...deltas, ...next.deltas];
    delivered = [...delivered, ...next.delivered];
  }
  const left: EditorDelta[] = [];
  for (const layers of method.remembers === undefined ? [] : method.stages(input.config))
    for (const layer of layers) {
      const searched = { searched: layers.at(-1)!, value: method.place.value };
      const columns = await readColumns(view, layer, searched, groups, options.signal);
      const keys = columns.map(({ key }) => key);
      left.push({ delta: method.remembers!(view, layer, keys), custom_ids: idsOf(groups) });
    }
  if (method.guard !== undefined) {
    const custom_ids = idsOf(groups);
    const guarded: EditorDelta[] = [];
    for (const [i, layer] of changed.entries()) {
      const { keySide, valueSide } = await method.guard(input.view, layer, updates[i]!, input.config);
      guarded.push({
        delta: valueDelta(view.spec, layer, custom_ids, valueSide.rows, keySide.data, valueSide.data),
        custom_ids,
      });
    }
    deltas = guarded;
    view = input.view.with(guarded.map(({ delta }) => delta));
  }
  return { view, layers: changed, updates, deltas: [...deltas, ...left], delivered, worked };
}

/** One batch, one change a layer. Taking it away takes the whole batch away. */
export const spreadEditor =
  <Settings extends SpreadSettings>(method: SpreadMethod<Settings>): Editor<Settings> =>
  async (input, options) => {
    const { config, edits, view } = input;
    const [start] = method.stages(config);
    options.onProgress?.({ phase: 'prepare', done: 0, edits: edits.length });
    const solve = await method.solver(input);
    const texts = await prefixTexts(input);
    const source = sequenceSource(input);
    const outcomes = new Map<string, EditOutcome>();
    const note = (more: Iterable<EditOutcome>) => {
      for (const outcome of more) outcomes.set(outcome.custom_id, outcome);
    };
    const { made: laidOut, failed: lost } = await attemptEach(
      edits,
      options,
      (edit): LaidOut => ({ edit, sequences: editSequences(source, edit, texts) }),
    );
    note(lost);

    const asked = { view, layer: start!.at(-1)!, place: method.place, tellsHeld: true };
    const searched = await findTargets(input, asked, groupEdits(laidOut, config.merge_same_subject), options);
    note(searched.held);
    const targets: Target[] = [];
    for (const target of searched.targets) {
      const failed = await attempt(editsIn([target]), options, async () => {
        requireFound(idsOf([target.group]), target.found);
        targets.push(target);
      });
      note(failed.values());
    }
    const deltas: EditorDelta[] = [];
    const failed = await attempt(editsIn(targets), options, async () => {
      if (targets.length === 0) return;
      const made = await workStages({ input, method, solve, options }, targets);
      const norms = made.layers.map((layer) => changeNorms(view, made.view, layer));
      deltas.push(...made.deltas);
      note(
        made.worked.flatMap((worked, g) =>
          appliedOutcomes(
            worked,
            made.delivered.map((shares) => shares[g]!),
            norms,
          ),
        ),
      );
    });
    note(failed.values());
    options.onProgress?.({ phase: 'solve', done: edits.length, edits: edits.length });
    return { deltas, outcomes: edits.map(({ custom_id }) => outcomes.get(custom_id)!) };
  };

const editsIn = (targets: readonly Target[]): readonly EditRequest[] =>
  targets.flatMap(({ group }) => group.map(({ edit }) => edit));

function appliedOutcomes(
  { group, found }: Worked,
  delivered: readonly number[],
  deltas: readonly DeltaNorms[],
): readonly EditOutcome[] {
  const ids = idsOf([group]);
  const [first] = found;
  const last = found.at(-1)!;
  const value = found.findLast(({ holds }) => !holds) ?? first;
  return group.map(({ edit: { custom_id }, sequences }, i) => ({
    custom_id,
    outcome: 'applied',
    diagnostics: {
      steps: found.reduce((sum, { steps }) => sum + steps, 0),
      first_loss: first.first,
      last_loss: last.last,
      target_probability: { before: first.probabilities[i]!.before, after: last.probabilities[i]!.after },
      value_norms: { offset: Math.hypot(...value.offset), value: value.valueNorm },
      prefixes: sequences.prefixes,
      delivered,
      deltas,
      ...(ids.length > 1 ? { merged_with: ids.filter((id) => id !== custom_id) } : {}),
    },
  }));
}
