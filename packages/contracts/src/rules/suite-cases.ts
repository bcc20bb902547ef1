// Cases of suites, of whichever kind: their ids and words, and one digest for a suite.
import { canonicalJson, sha256 } from '../text/canonical.ts';
import type { SuiteItem } from '../wire/suite-items.ts';
import type { SuiteCase } from '../wire/suites.ts';

/** The case of the model's own text, as runs of protocols name it. */
export const heldTextId = 'held text';

export function customIdOf(item: SuiteCase): string {
  switch (item.kind) {
    case 'edit':
      return item.edit.custom_id;
    case 'probe':
      return item.probe.custom_id;
    case 'held_text':
      return heldTextId;
    default:
      return item.id;
  }
}

/** What a case asks, in a line for people, and the answer wanted; null where no one answer is. */
export function wordsOf(item: SuiteCase): { readonly prompt: string; readonly target: string | null } {
  switch (item.kind) {
    case 'edit':
      return { prompt: item.edit.prompt, target: item.edit.target_new };
    case 'probe':
      return { prompt: item.probe.prompt, target: item.probe.target ?? null };
    case 'held_text':
      return { prompt: '', target: null };
    default:
      return wordsOfItem(item);
  }
}

/** A case as it was given. */
export function givenOf(item: SuiteCase): Readonly<Record<string, unknown>> {
  return item.kind === 'edit' ? item.edit : item.kind === 'probe' ? item.probe : item;
}

/** Names a suite by its content. */
export const suiteDigest = (cases: readonly SuiteCase[]): string =>
  sha256(cases.map((item) => `${canonicalJson(item)}\n`).join(''));

/** What an item asks, in a line for people, and the answer wanted; null where no one answer is. */
export function wordsOfItem(item: SuiteItem): { readonly prompt: string; readonly target: string | null } {
  switch (item.kind) {
    case 'question':
      return { prompt: item.prompt, target: item.answers[0]! };
    case 'multiple_choice':
      return { prompt: item.question, target: item.options[item.answer]! };
    case 'entailment':
      return { prompt: item.hypothesis, target: item.label };
    case 'reading':
      return { prompt: item.question, target: item.answers[0] ?? null };
    case 'multi_hop':
      return { prompt: item.questions[0]!, target: item.after.value };
    case 'ripple':
      return { prompt: Object.values(item.criteria)[0]?.[0]?.queries[0]?.prompt ?? '', target: null };
    case 'text':
      return { prompt: item.prompts[0]!, target: null };
  }
}
