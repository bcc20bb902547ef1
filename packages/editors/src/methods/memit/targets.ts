// What a layer is to put out for each group of edits: a value search, all edits side by side.
import type { Model, View } from '@errata/models';
import type { EditOutcome, EditorInput, EditorOptions } from '../../editor.ts';
import { heldOutcome } from '../../outcomes.ts';
import type { ValueSite } from '../../search/suffix-loss.ts';
import {
  type FoundOffset,
  mergeSearches,
  type PreparedSearch,
  prepareSearch,
  type SearchOptions,
  searchValues,
} from '../../search/value-search.ts';
import { meanOf, plus } from '../../solve/vectors.ts';
import { type Group, inParts } from './groups.ts';
import type { SpreadSettings } from './settings.ts';

/** Where values are searched for, and what of it is asked of the edited layers. */
export interface TargetPlace {
  readonly site: ValueSite;
  readonly value: 'blockOut' | 'mlpOut';
}

/** A group with what the searched layer is to put out for it. */
export interface Target {
  readonly group: Group;
  readonly found: FoundOffset;
  /** z, length d: the residual stream (MEMIT) or the MLP's output (PMET). */
  readonly value: Float64Array;
}

/** Rows of one program run at most: enough to keep two cores busy. */
const mostSearchRows = 384;

/** What a run's activations may take of a model too small for that to matter. */
const smallestRunBytes = 2 ** 26;

/**
 * Rows of one program run: as many as have activations of a quarter of the weights. A row is kept, for the way back, some five times by every
 * MLP above the searched layer and eight times beside it; where it predicts, as every fourth does or fewer, its logits are there four times.
 */
function searchRows({ spec: { layers, mlpWidth, width, vocab }, weightBytes }: Model, layer: number): number {
  const rowBytes = Float32Array.BYTES_PER_ELEMENT * ((layers - layer) * (5 * mlpWidth + 8 * width) + vocab);
  return Math.min(mostSearchRows, Math.floor(Math.max(smallestRunBytes, weightBytes / 4) / rowBytes));
}

const tailRows = (group: Group): number =>
  group.reduce(
    (sum, { sequences }) => sum + sequences.contexts.reduce((n, c) => n + c.ids.length - c.subjectLast, 0),
    0,
  );

/** What a search is told of the batch that it is a part of. */
export interface TargetSearch {
  readonly view: View;
  readonly layer: number;
  readonly place: TargetPlace;
  /** Whether edits that hold already are told apart; otherwise they are asked for what they have. */
  readonly tellsHeld: boolean;
}

/**
 * For each group its target, all from one version. Where it is to be told, each edit is asked about alone first: one that holds already
 * is in no group, whatever others of its subject are.
 */
export async function findTargets(
  { model, config, edits }: EditorInput<SpreadSettings>,
  { view, layer, place, tellsHeld }: TargetSearch,
  groups: readonly Group[],
  { onProgress, signal }: EditorOptions,
): Promise<{ readonly targets: readonly Target[]; readonly held: readonly EditOutcome[] }> {
  const targets: Target[] = [];
  const held: EditOutcome[] = [];
  const search = async (prepared: readonly PreparedSearch[], steps: number, onStep?: SearchOptions['onStep']) => {
    const [first, ...rest] = prepared;
    return first === undefined ? [] : searchValues(view, [first, ...rest], { ...config, steps }, { signal, onStep });
  };
  for (const part of inParts(groups, searchRows(model, layer), tailRows)) {
    const done = targets.flatMap(({ group }) => group).length + held.length;
    const alone = new Map<Group[number], PreparedSearch>();
    for (const one of part.flat())
      alone.set(one, await prepareSearch(view, { layer, site: place.site }, [one.sequences]));
    if (tellsHeld)
      for (const [one, { holds, first, probabilities }] of pairs(
        [...alone.keys()],
        await search([...alone.values()], 1),
      )) {
        if (!holds) continue;
        held.push(heldOutcome(one.edit.custom_id, first, probabilities[0]!.before));
        alone.delete(one);
      }
    const left = part.flatMap((group): Group[] => {
      const [first, ...rest] = group.filter((one) => alone.has(one));
      return first === undefined ? [] : [[first, ...rest]];
    });
    const prepared = left.map(([first, ...rest]) =>
      mergeSearches([alone.get(first)!, ...rest.map((one) => alone.get(one)!)]),
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
      const values = prepared[i]!.activations.map((own) => own[place.value][0]!);
      targets.push({ group, found: found[i]!, value: plus(meanOf(values), found[i]!.offset) });
    }
  }
  return { targets, held };
}

const pairs = <A, B>(these: readonly A[], those: readonly B[]): readonly (readonly [A, B])[] =>
  these.map((one, i) => [one, those[i]!] as const);
