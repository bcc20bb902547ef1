// What the layers put out for each group of edits as a version has it: a key, what the MLP makes of it, and the value that is to change.
import type { View } from '@errata/models';
import { trace } from '../../search/tracer.ts';
import { meanOf, plus, scaled } from '../../solve/vectors.ts';
import type { ContextSequence } from '../../texts/sequences.ts';
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

/** @param searched the layer whose values were searched for */
export async function readColumns(
  view: View,
  layer: number,
  { searched, value }: { readonly searched: number; readonly value: TargetPlace['value'] },
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
  const values: Float64Array[] = [];
  for (const part of inParts(cut, traceTokens, () => longest)) {
    signal?.throwIfAborted();
    const { layers } = await trace(view, { recorded: [...new Set([layer, searched])] }, part);
    const vector = (data: Float32Array, row: number, n: number) =>
      Float64Array.from(data.subarray(row * n, (row + 1) * n));
    for (let row = 0; row < part.length; row++) {
      keys.push(vector(layers.get(layer)!.keys, row, mlpWidth));
      outputs.push(vector(layers.get(layer)!.mlpOut, row, width));
      values.push(vector(layers.get(searched)![value], row, width));
    }
  }
  let at = 0;
  return groups.map((group) => {
    const ownKeys: Float64Array[] = [];
    const ownOutputs: Float64Array[] = [];
    const ownValues: Float64Array[] = [];
    for (const {
      sequences: { contexts },
    } of group) {
      ownKeys.push(editKey(keys.slice(at, at + contexts.length)));
      ownOutputs.push(outputs[at]!);
      ownValues.push(values[at]!);
      at += contexts.length;
    }
    return { key: meanOf(ownKeys), output: meanOf(ownOutputs), value: meanOf(ownValues) };
  });
}
