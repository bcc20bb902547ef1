// Edits as MEMIT and its kin take them: laid out, those of one subject as one column.
import type { EditRequest } from '../../editor.ts';
import type { EditSequences } from '../../texts/sequences.ts';

export interface LaidOut {
  readonly edit: EditRequest;
  readonly sequences: EditSequences;
}

/** Edits of one subject, searched and solved as one column. */
export type Group = readonly [LaidOut, ...LaidOut[]];

/**
 * Groups edits whose keys would be (nearly) the same. Left apart they ask one key for several values, and fewer than half of ten
 * succeed; merged, one value serves all their prompts.
 */
export function groupEdits(edits: readonly LaidOut[], merge: boolean): readonly Group[] {
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
export function inParts<T>(items: readonly T[], budget: number, cost: (item: T) => number): readonly [T, ...T[]][] {
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

export const idsOf = (groups: readonly Group[]): readonly string[] => groups.flat().map(({ edit }) => edit.custom_id);
