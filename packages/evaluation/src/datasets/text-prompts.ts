// Prompts to write texts from, for data sets that give none.
import type { DatasetCase } from './cases.ts';

/** Wordings of an edit that its texts begin with. */
const wordings = 3;

/** The case itself where it has prompts; else with its edits' own wordings as prompts. */
export function withTextPrompts(each: DatasetCase): DatasetCase {
  if (each.generation !== undefined && each.generation.prompts.length > 0) return each;
  const own = each.edits.flatMap(({ prompt, rephrases }) => [prompt, ...rephrases]);
  return { ...each, generation: { attribute: [], ...each.generation, prompts: own.slice(0, wordings) } };
}
