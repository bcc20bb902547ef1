// MEMIT: many facts in one batch, spread over several MLPs (Meng et al. 2023), with one shared value a subject (MEMIT-Merge).
import { ErrataError } from '@errata/contracts';
import type { View } from '@errata/models';
import type { EditOutcome, Editor, EditorDelta, EditorInput, EditorOptions, EditRequest } from '../editor.ts';
import { attempt, changeNorms, valueDelta } from '../outcomes.ts';
import { leastSquaresUpdate } from './least-squares.ts';
import { contextPrefixes, sequenceSource } from './preparation.ts';
import { type EditSequences, editSequences, type TargetSequence } from './sequences.ts';
import { trace } from './tracer.ts';
import { type FoundOffset, prepareSearch, requireFinite, type SearchProblem, searchValues } from './value-search.ts';
import { meanOf, minus, plus, scaled } from './vectors.ts';

/** Edits of one subject, searched and solved as one column. */
interface Group {
  readonly edits: readonly EditRequest[];
  readonly problem: SearchProblem;
}

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
function groupEdits(
  edits: readonly { readonly edit: EditRequest; readonly sequences: EditSequences }[],
  merge: boolean,
): readonly Group[] {
  const groups = new Map<string, { edit: EditRequest; sequences: EditSequences }[]>();
  for (const [i, one] of edits.entries()) {
    const key = merge ? one.edit.subject.trim() : `${i}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((members) => ({
    edits: members.map(({ edit }) => edit),
    problem: members.map(({ sequences }) => sequences) as unknown as SearchProblem,
  }));
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

const tailRows = ({ problem }: Group): number =>
  problem.reduce((sum, { contexts }) => sum + contexts.reduce((n, c) => n + c.ids.length - c.subjectLast, 0), 0);

/** Step 1: for each group the stream z = h_L + offset, all from the parent version. */
async function findTargets(
  { view, config, edits }: EditorInput<'memit'>,
  groups: readonly Group[],
  { onProgress, signal }: EditorOptions,
): Promise<readonly Target[]> {
  const layer = config.layers.at(-1)!;
  const targets: Target[] = [];
  let done = 0;
  for (const part of inParts(groups, searchRows, tailRows)) {
    const prepared = [];
    for (const { problem } of part) prepared.push(await prepareSearch(view, layer, problem));
    const found = await searchValues(
      view,
      prepared as [(typeof prepared)[number], ...typeof prepared],
      { ...config, site: 'block_out' },
      {
        signal,
        onStep: ([{ custom_id }], step, loss) =>
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
      },
    );
    for (const [i, group] of part.entries()) {
      const streams = prepared[i]!.activations.map(({ blockOut }) => blockOut[0]!);
      targets.push({ group, found: found[i]!, stream: plus(meanOf(streams), found[i]!.offset) });
      done += group.edits.length;
    }
  }
  return targets;
}

/** A group's key at a layer and its stream after the last one, under the weights of `view`. */
interface Column {
  readonly key: Float64Array;
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
  const sequences = groups.flatMap(({ problem }) => problem.flatMap(({ contexts }): TargetSequence[] => [...contexts]));
  // Only what precedes the subject's end is needed: nothing later reaches it.
  const cut = sequences.map(({ ids, subjectLast }) => ({ ids: ids.slice(0, subjectLast + 1), subjectLast }));
  const longest = Math.max(...cut.map(({ ids }) => ids.length));
  const keys: Float64Array[] = [];
  const streams: Float64Array[] = [];
  for (const part of inParts(cut, traceTokens, () => longest)) {
    signal?.throwIfAborted();
    const { layers } = await trace(view, { recorded: [...new Set([layer, last])] }, part);
    const vector = (data: Float32Array, row: number, n: number) =>
      Float64Array.from(data.subarray(row * n, (row + 1) * n));
    for (let row = 0; row < part.length; row++) {
      keys.push(vector(layers.get(layer)!.keys, row, mlpWidth));
      streams.push(vector(layers.get(last)!.blockOut, row, width));
    }
  }
  let at = 0;
  return groups.map(({ problem }) => {
    const ownKeys: Float64Array[] = [];
    const ownStreams: Float64Array[] = [];
    for (const { contexts } of problem) {
      ownKeys.push(editKey(keys.slice(at, at + contexts.length)));
      ownStreams.push(streams[at]!);
      at += contexts.length;
    }
    return { key: meanOf(ownKeys), stream: meanOf(ownStreams) };
  });
}

/** Step 2: layer by layer, each taking its share of what is still missing under the layers already changed. */
async function spread(
  input: EditorInput<'memit'>,
  targets: readonly Target[],
  { onProgress, signal }: EditorOptions,
): Promise<{ readonly view: View; readonly deltas: readonly EditorDelta[] }> {
  const { config, artefacts, edits } = input;
  const last = config.layers.at(-1)!;
  const groups = targets.map(({ group }) => group);
  const custom_ids = groups.flatMap((group) => group.edits.map(({ custom_id }) => custom_id));
  const deltas: EditorDelta[] = [];
  let { view } = input;
  for (const [i, layer] of config.layers.entries()) {
    onProgress?.({ phase: 'solve', done: 0, edits: edits.length, layer, step: i + 1, steps: config.layers.length });
    const columns = await readColumns(view, layer, last, groups, signal);
    const share = 1 / (config.layers.length - i);
    const residuals = targets.map(({ stream }, g) => scaled(minus(stream, columns[g]!.stream), share));
    const update = await leastSquaresUpdate(
      columns.map(({ key }) => key),
      residuals,
      await artefacts.secondMoment(layer),
      config.second_moment_weight,
    );
    const delta = valueDelta(view.spec, layer, groups.length, update.keySide.data, update.valueSide.data);
    deltas.push({ delta, custom_ids });
    view = view.with([delta]);
  }
  return { view, deltas };
}

/** MEMIT: one batch, one delta a layer. Taking the delta away takes the whole batch away. */
export const memit: Editor<'memit'> = async (input, options) => {
  const { config, edits } = input;
  options.onProgress?.({ phase: 'prepare', done: 0, edits: edits.length });
  for (const layer of config.layers) await input.artefacts.secondMoment(layer);
  const { texts } = await contextPrefixes(input, config.prefixes, options.signal);
  const source = sequenceSource(input);
  const outcomes = new Map<string, EditOutcome>();
  const laidOut: { edit: EditRequest; sequences: EditSequences }[] = [];
  for (const edit of edits) {
    const failed = await attempt(edit, options, async () => {
      laidOut.push({ edit, sequences: editSequences(source, edit, texts) });
    });
    if (failed) outcomes.set(edit.custom_id, failed);
  }

  const targets: Target[] = [];
  for (const target of await findTargets(input, groupEdits(laidOut, config.merge_same_subject), options)) {
    let failed = false;
    for (const edit of target.group.edits) {
      const failure = await attempt(edit, options, async () => requireFinite(edit.custom_id, target.found));
      if (failure) outcomes.set(edit.custom_id, failure);
      failed ||= failure !== undefined;
    }
    if (!failed) targets.push(target);
  }
  if (targets.length === 0) return { deltas: [], outcomes: edits.map(({ custom_id }) => outcomes.get(custom_id)!) };

  if (targets.every(({ found }) => found.offset.every((x) => x === 0))) {
    throw new ErrataError('zero_delta', 'no value had to change: every search ended where it began');
  }
  const { view, deltas } = await spread(input, targets, options);
  const norms = config.layers.map((layer) => changeNorms(input.view, view, layer));
  for (const { group, found } of targets) {
    for (const [i, { custom_id }] of group.edits.entries()) {
      const others = group.edits.map((edit) => edit.custom_id).filter((id) => id !== custom_id);
      outcomes.set(custom_id, {
        custom_id,
        outcome: 'applied',
        diagnostics: {
          steps: found.steps,
          first_loss: found.first,
          last_loss: found.last,
          target_probability: found.probabilities[i]!,
          value_norms: { offset: Math.hypot(...found.offset), value: found.valueNorm },
          deltas: norms,
          ...(others.length > 0 ? { merged_with: others } : {}),
        },
      });
    }
  }
  options.onProgress?.({ phase: 'solve', done: edits.length, edits: edits.length });
  return { deltas, outcomes: edits.map(({ custom_id }) => outcomes.get(custom_id)!) };
};
