// What the layers put out for each group of edits as a version has it: a key, what the MLP makes of it, and the value that is to change.
import type { View } from '@errata/models';
import { trace } from '../../search/tracer.ts';
import { meanOf, plus, scaled } from '../../solve/vectors.ts';
import { type Group, inParts } from './groups.ts';
import type { TargetPlace } from './targets.ts';

/** A group's key and MLP output at a layer, and its value at the searched one. */
export interface Column {
  readonly key: Float64Array;
  readonly output: Float64Array;
  readonly value: Float64Array;
}

const traceTokens = 2048;

/** The key of an edit: half the bare prompt's, half the mean of the prefixed ones'. */
function editKey(keys: readonly Float64Array[]): Float64Array {
  const [bare, ...behind] = keys;
  return behind.length === 0 ? bare! : scaled(plus(bare!, meanOf(behind)), 0.5);
}

/** Contexts of a group, as far as a key needs them: nothing behind the subject's end reaches it. */
const cutContexts = (group: Group) =>
  group.flatMap(({ sequences: { contexts } }) =>
    contexts.map(({ ids, subjectLast }) => ({ ids: ids.slice(0, subjectLast + 1), subjectLast })),
  );

/** @param searched the layer whose values were searched for */
export async function readColumns(
  view: View,
  layer: number,
  { searched, value }: { readonly searched: number; readonly value: TargetPlace['value'] },
  groups: readonly Group[],
  signal: AbortSignal | undefined,
): Promise<readonly Column[]> {
  const { mlpWidth, width } = view.spec;
  const tokens = (group: Group) => cutContexts(group).reduce((sum, { ids }) => sum + ids.length, 0);
  const columns: Column[] = [];
  for (const part of inParts(groups, traceTokens, tokens)) {
    signal?.throwIfAborted();
    const { layers } = await trace(view, { recorded: [...new Set([layer, searched])] }, part.flatMap(cutContexts));
    const vector = (data: Float32Array, row: number, n: number) =>
      Float64Array.from(data.subarray(row * n, (row + 1) * n));
    let row = 0;
    for (const group of part) {
      const own = group.map(({ sequences: { contexts } }) => {
        const first = row;
        row += contexts.length;
        return {
          key: editKey(contexts.map((_, i) => vector(layers.get(layer)!.keys, first + i, mlpWidth))),
          output: vector(layers.get(layer)!.mlpOut, first, width),
          value: vector(layers.get(searched)![value], first, width),
        };
      });
      columns.push({
        key: meanOf(own.map(({ key }) => key)),
        output: meanOf(own.map(({ output }) => output)),
        value: meanOf(own.map((one) => one.value)),
      });
    }
  }
  return columns;
}
