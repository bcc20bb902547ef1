// How alike a prompt is to the prompts of rows: whether it names their subject, and the character n-grams the two share.

import { findSubject } from '@errata/contracts';
import type { TextRow } from './rows.ts';

/** Lengths of the n-grams of a word. */
const shortest = 3;
const longest = 5;

/** How often each n-gram occurs in the words of a text, the words themselves included. */
function gramsOf(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [word] of text
    .normalize('NFKC')
    .toLowerCase()
    .matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    const bounded = `<${word}>`;
    const grams = bounded.length > longest ? [bounded] : [];
    for (let length = shortest; length <= longest; length++)
      for (let at = 0; at + length <= bounded.length; at++) grams.push(bounded.slice(at, at + length));
    for (const gram of grams) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

const rowGrams = new WeakMap<TextRow, ReadonlyMap<string, number>>();

function gramsOfRow(row: TextRow): ReadonlyMap<string, number> {
  const grams = rowGrams.get(row) ?? gramsOf(row.prompt);
  rowGrams.set(row, grams);
  return grams;
}

/**
 * The similarity of a prompt to each row, 0 to 1: the cosine of their n-grams, weighted by (1 + ln tf)(1 + ln((N + 1) / (df + 1))) over
 * the N rows; of a row with a subject the mean of that and 1 or 0, as the prompt names the subject or not, in whatever capitals. Of forty
 * corrections of atlas the cosine alone, at the threshold that parts them best, finds 83 % of rephrasings and 31 % of prompts about other
 * subjects; with the subject it is 100 % and 2 %. Words in place of n-grams tell them apart no better.
 */
export function similarityTo(rows: readonly TextRow[]): (prompt: string) => readonly number[] {
  const frequency = new Map<string, number>();
  for (const row of rows)
    for (const gram of gramsOfRow(row).keys()) frequency.set(gram, (frequency.get(gram) ?? 0) + 1);
  const weighted = (grams: ReadonlyMap<string, number>): ReadonlyMap<string, number> => {
    const weights = new Map<string, number>();
    let squares = 0;
    for (const [gram, count] of grams) {
      const rarity = 1 + Math.log((rows.length + 1) / ((frequency.get(gram) ?? 0) + 1));
      const weight = (1 + Math.log(count)) * rarity;
      weights.set(gram, weight);
      squares += weight * weight;
    }
    const norm = Math.sqrt(squares);
    for (const [gram, weight] of weights) weights.set(gram, weight / norm);
    return weights;
  };
  const postings = new Map<string, [row: number, weight: number][]>();
  for (const [index, row] of rows.entries())
    for (const [gram, weight] of weighted(gramsOfRow(row))) {
      const known = postings.get(gram);
      if (known === undefined) postings.set(gram, [[index, weight]]);
      else known.push([index, weight]);
    }

  return (prompt) => {
    const cosines = new Float64Array(rows.length);
    for (const [gram, weight] of weighted(gramsOf(prompt)))
      for (const [row, own] of postings.get(gram) ?? []) cosines[row]! += weight * own;
    const lower = prompt.toLowerCase();
    return rows.map(({ subject }, row) => {
      const cosine = Math.min(1, cosines[row]!);
      if (subject === '') return cosine;
      return (('end' in findSubject(lower, subject.toLowerCase()) ? 1 : 0) + cosine) / 2;
    });
  };
}
