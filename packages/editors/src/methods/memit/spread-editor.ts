// What MEMIT and its kin share: many facts in one batch, spread over several MLPs, with one shared value a subject (MEMIT-Merge).
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
import { alreadyHolds, attempt, attemptEach, changeNorms, heldOutcome, valueDelta } from '../../outcomes.ts';
import { trace } from '../../search/tracer.ts';
import {
  type FoundOffset,
  mergeSearches,
  type PreparedSearch,
  prepareSearch,
  requireFound,
  type SearchOptions,
  searchValues,
} from '../../search/value-search.ts';
import type { LeastSquaresUpdate } from '../../solve/least-squares.ts';
import { outputChange } from '../../solve/output-change.ts';
import { meanOf, minus, plus, scaled } from '../../solve/vectors.ts';
import { prefixTexts } from '../../texts/prefix-texts.ts';
import { type ContextSequence, type EditSequences, editSequences } from '../../texts/sequences.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import type { SpreadSettings } from './settings.ts';

/** One layer's update in closed form, from a key and a residual an edit. */
export type SolveLayer = (
  layer: number,
  keys: readonly Float64Array[],
  residuals: readonly Float64Array[],
) => Promise<LeastSquaresUpdate>;

/** What sets these editors apart. */
export interface SpreadMethod<Settings extends SpreadSettings> {
  /** Where edits are made, in ascending order. */
  layers(config: Settings): readonly number[];
  /** Reads what it solves with, before anything is searched for. */
  solver(input: EditorInput<Settings>): Promise<SolveLayer>;
  /** What it leaves beside the change of a matrix, of the keys that its edits have once all layers are changed; left out by most. */
  remembers?(view: View, layer: number, keys: readonly Float64Array[]): Delta;
}

interface LaidOut {
  readonly edit: EditRequest;
  readonly sequences: EditSequences;
}

/** Edits of one subject, searched and solved as one column. */
type Group = readonly [LaidOut, ...LaidOut[]];

/** A group with the residual stream it is to have after the last edited layer. */
interface Target {
  readonly group: Group;
  readonly found: FoundOffset;
  /** z, length d. */
  readonly stream: Float64Array;
}

/** Rows of one program run: enough to keep two cores busy, few enough for a large vocabulary. */
const searchRows = 384;
const traceTokens = 2048;

/**
 * Groups edits whose keys would be (nearly) the same. Left apart they ask one key for several values, and fewer than half of ten
 * succeed; merged, one value serves all their prompts.
 */
function groupEdits(edits: readonly LaidOut[], merge: boolean): readonly Group[] {
  const groups = new Map<string, [LaidOut, ...LaidOut[]]>();
  for (const [i, one] of edits.entries()) {
    const key = merge ? (one.edit.subject ?? '').trim() : `${i}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return [...groups.values()];
}

/** Consecutive items in parts whose summed cost stays within a budget, one item at least each. */
function inParts<T>(items: readonly T[], budget: number, cost: (item: T) => number): readonly [T, ...T[]][] {
  const parts: [T, ...T[]][] = [];
  let spent = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const price = cost(item);
    if (spent + price > budget) {
      parts.push([item]);
      spent = price;
    } else {
      parts.at(-1)!.push(item);
      spent += price;
    }
  }
  return parts;
}

const tailRows = (group: Group): number =>
  group.reduce(
    (sum, { sequences }) => sum + sequences.contexts.reduce((n, c) => n + c.ids.length - c.subjectLast, 0),
    0,
  );

const idsOf = (groups: readonly Group[]): readonly string[] => groups.flat().map(({ edit }) => edit.custom_id);

/**
 * Step 1: for each group the stream z = h_L + offset, all from the parent version. Each edit is asked about alone first: one that holds
 * already is in no group, whatever others of its subject are.
 */
async function findTargets(
  { view, config, edits }: EditorInput<SpreadSettings>,
  layer: number,
  groups: readonly Group[],
  { onProgress, signal }: EditorOptions,
): Promise<{ readonly targets: readonly Target[]; readonly held: readonly EditOutcome[] }> {
  const targets: Target[] = [];
  const held: EditOutcome[] = [];
  const search = async (prepared: readonly PreparedSearch[], steps: number, onStep?: SearchOptions['onStep']) => {
    const [first, ...rest] = prepared;
    const settings = { ...config, steps, site: 'block_out' } as const;
    return first === undefined ? [] : searchValues(view, [first, ...rest], settings, { signal, onStep });
  };
  for (const part of inParts(groups, searchRows, tailRows)) {
    const done = targets.flatMap(({ group }) => group).length + held.length;
    const members = part.flat();
    const alone: PreparedSearch[] = [];
    for (const { sequences } of members) alone.push(await prepareSearch(view, layer, [sequences]));
    const starts = await search(alone, 1);
    const open = new Map<LaidOut, PreparedSearch>();
    for (const [i, one] of members.entries()) {
      const { first, probabilities } = starts[i]!;
      if (alreadyHolds(first, config)) held.push(heldOutcome(one.edit.custom_id, first, probabilities[0]!.before));
      else open.set(one, alone[i]!);
    }
    const left = part.flatMap((group): Group[] => {
      const [first, ...rest] = group.filter((one) => open.has(one));
      return first === undefined ? [] : [[first, ...rest]];
    });
    const prepared = left.map(([first, ...rest]) =>
      mergeSearches([open.get(first)!, ...rest.map((one) => open.get(one)!)]),
    );
    const found = await search(prepared, config.steps, ([{ custom_id }], step, loss) =>
      onProgress?.({
        phase: 'search',
        done,
        edits: edits.length,
        custom_id,
        layer,
        step,
        steps: config.steps,
        loss,
      }),
    );
    for (const [i, group] of left.entries()) {
      const streams = prepared[i]!.activations.map(({ blockOut }) => blockOut[0]!);
      targets.push({ group, found: found[i]!, stream: plus(meanOf(streams), found[i]!.offset) });
    }
  }
  return { targets, held };
}

/** A group's key and MLP output at a layer and its stream after the last one, under the weights of `view`. */
interface Column {
  readonly key: Float64Array;
  readonly output: Float64Array;
  readonly stream: Float64Array;
}

/** The key of an edit: half the bare prompt's, half the mean of the prefixed ones'. */
function editKey(keys: readonly Float64Array[]): Float64Array {
  const [bare, ...behind] = keys;
  return behind.length === 0 ? bare! : scaled(plus(bare!, meanOf(behind)), 0.5);
}

async function readColumns(
  view: View,
  layer: number,
  last: number,
  groups: readonly Group[],
  signal: AbortSignal | undefined,
): Promise<readonly Column[]> {
  const { mlpWidth, width } = view.spec;
  const sequences = groups.flat().flatMap(({ sequences: { contexts } }): ContextSequence[] => [...contexts]);
  // Only what precedes the subject's end is needed: nothing later reaches it.
  const cut = sequences.map(({ ids, subjectLast }) => ({ ids: ids.slice(0, subjectLast + 1), subjectLast }));
  const longest = Math.max(...cut.map(({ ids }) => ids.length));
  const keys: Float64Array[] = [];
  const outputs: Float64Array[] = [];
  const streams: Float64Array[] = [];
  for (const part of inParts(cut, traceTokens, () => longest)) {
    signal?.throwIfAborted();
    const { layers } = await trace(view, { recorded: [...new Set([layer, last])] }, part);
    const vector = (data: Float32Array, row: number, n: number) =>
      Float64Array.from(data.subarray(row * n, (row + 1) * n));
    for (let row = 0; row < part.length; row++) {
      keys.push(vector(layers.get(layer)!.keys, row, mlpWidth));
      outputs.push(vector(layers.get(layer)!.mlpOut, row, width));
      streams.push(vector(layers.get(last)!.blockOut, row, width));
    }
  }
  let at = 0;
  return groups.map((group) => {
    const ownKeys: Float64Array[] = [];
    const ownOutputs: Float64Array[] = [];
    const ownStreams: Float64Array[] = [];
    for (const {
      sequences: { contexts },
    } of group) {
      ownKeys.push(editKey(keys.slice(at, at + contexts.length)));
      ownOutputs.push(outputs[at]!);
      ownStreams.push(streams[at]!);
      at += contexts.length;
    }
    return { key: meanOf(ownKeys), output: meanOf(ownOutputs), stream: meanOf(ownStreams) };
  });
}

/** Step 2: layer by layer, each taking its share of what is still missing under the layers already changed. */
async function spread<Settings extends SpreadSettings>(
  input: EditorInput<Settings>,
  { method, solve }: { readonly method: SpreadMethod<Settings>; readonly solve: SolveLayer },
  targets: readonly Target[],
  { onProgress, signal }: EditorOptions,
): Promise<{ readonly view: View; readonly deltas: readonly EditorDelta[] }> {
  const { config, edits } = input;
  const layers = method.layers(config);
  const last = layers.at(-1)!;
  const groups = targets.map(({ group }) => group);
  const custom_ids = idsOf(groups);
  const deltas: EditorDelta[] = [];
  let { view } = input;
  for (const [i, layer] of layers.entries()) {
    onProgress?.({ phase: 'solve', done: 0, edits: edits.length, layer, step: i + 1, steps: layers.length });
    const columns = await readColumns(view, layer, last, groups, signal);
    const share = 1 / (layers.length - i);
    const residuals = targets.map(({ stream }, g) =>
      outputChange(view, layer, columns[g]!.output, scaled(minus(stream, columns[g]!.stream), share)),
    );
    const keys = columns.map(({ key }) => key);
    const update = await solve(layer, keys, residuals);
    const delta = valueDelta(view.spec, layer, custom_ids, groups.length, update.keySide.data, update.valueSide.data);
    deltas.push({ delta, custom_ids });
    view = view.with([delta]);
  }
  if (method.remembers !== undefined)
    for (const layer of layers) {
      const columns = await readColumns(view, layer, last, groups, signal);
      const keys = columns.map(({ key }) => key);
      deltas.push({ delta: method.remembers(view, layer, keys), custom_ids });
    }
  return { view, deltas };
}

/** One batch, one change a layer. Taking it away takes the whole batch away. */
export const spreadEditor =
  <Settings extends SpreadSettings>(method: SpreadMethod<Settings>): Editor<Settings> =>
  async (input, options) => {
    const { config, edits } = input;
    const layers = method.layers(config);
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

    const searched = await findTargets(input, layers.at(-1)!, groupEdits(laidOut, config.merge_same_subject), options);
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
      const made = await spread(input, { method, solve }, targets, options);
      const norms = layers.map((layer) => changeNorms(input.view, made.view, layer));
      deltas.push(...made.deltas);
      note(targets.flatMap((target) => appliedOutcomes(target, norms)));
    });
    note(failed.values());
    options.onProgress?.({ phase: 'solve', done: edits.length, edits: edits.length });
    return { deltas, outcomes: edits.map(({ custom_id }) => outcomes.get(custom_id)!) };
  };

const editsIn = (targets: readonly Target[]): readonly EditRequest[] =>
  targets.flatMap(({ group }) => group.map(({ edit }) => edit));

function appliedOutcomes({ group, found }: Target, deltas: readonly DeltaNorms[]): readonly EditOutcome[] {
  const ids = idsOf([group]);
  return group.map(({ edit: { custom_id }, sequences }, i) => ({
    custom_id,
    outcome: 'applied',
    diagnostics: {
      steps: found.steps,
      first_loss: found.first,
      last_loss: found.last,
      target_probability: found.probabilities[i]!,
      value_norms: { offset: Math.hypot(...found.offset), value: found.valueNorm },
      prefixes: sequences.prefixes,
      deltas,
      ...(ids.length > 1 ? { merged_with: ids.filter((id) => id !== custom_id) } : {}),
    },
  }));
}
