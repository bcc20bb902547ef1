// A data set as the items of a suite: what a model that holds its edits should answer, or what its items ask.
import {
  type AbilityTaskId,
  ErrataError,
  isAbilityItem,
  type Join,
  type Probe,
  type SuiteItem,
  suiteItemSchema,
  tasksOfItems,
} from '@errata/contracts';
import type { DatasetCase } from './cases.ts';
import type { QuestionItem } from './items.ts';
import type { DatasetContent } from './layout.ts';

export interface SuiteWishes {
  /** The task by which items of general ability are asked; that of their layout, or of their kind, when left out. */
  readonly task?: AbilityTaskId | undefined;
  /** Whether prompts for free text are kept: by far the dearest of what can be asked. Default yes. */
  readonly texts?: boolean;
}

/**
 * What one record of a data set asks.
 * @throws ErrataError `invalid_request` for a task that does not ask such items
 */
export const suiteItemsOf = (
  content: DatasetContent,
  { task, texts = true }: SuiteWishes = {},
): readonly SuiteItem[] => ('case' in content ? itemsOfCase(content.case, texts) : [withTask(content.item, task)]);

function withTask(item: SuiteItem, task: AbilityTaskId | undefined): SuiteItem {
  if (task === undefined) return item;
  const tasks: readonly AbilityTaskId[] = isAbilityItem(item) ? tasksOfItems[item.kind] : [];
  if (tasks.includes(task)) return suiteItemSchema.parse({ ...item, task });
  throw new ErrataError('invalid_request', `the task ${task} asks no items of kind ${item.kind}`, {
    details: { task, kind: item.kind, tasks },
  });
}

/** The questions of a case with a right answer known, and what it asks beside them. Locality without an answer is left out. */
export function itemsOfCase(
  { id, edits, multiHop, ripple, generation }: DatasetCase,
  texts = true,
): readonly SuiteItem[] {
  const items: SuiteItem[] = [];
  const ask = (of: string, role: string, prompt: string, answers: readonly string[], join: Join | undefined) => {
    const id = `${of}/${role}/${items.length}`;
    items.push({ kind: 'question', id, prompt, answers, role, ...(join !== undefined && { join }) });
  };
  for (const edit of edits) {
    const { custom_id, prompt, target_new, aliases = [], rephrases } = edit;
    const wanted = [target_new, ...aliases];
    ask(custom_id, 'edit', prompt, wanted, edit.join);
    for (const rephrase of rephrases) ask(custom_id, 'rephrase', rephrase, wanted, edit.join);
    for (const group of ['locality', 'portability'] as const) {
      const probes: Readonly<Record<string, readonly Probe[] | undefined>> = edit[group];
      for (const [kind, of] of Object.entries(probes)) {
        for (const { prompt, target, aliases = [], join = edit.join } of of ?? []) {
          if (target !== undefined) ask(custom_id, `${group}.${kind}`, prompt, [target, ...aliases], join);
        }
      }
    }
  }
  if (multiHop !== undefined)
    items.push({ kind: 'multi_hop', id: `${id}/multi_hop`, ...multiHop, edits: edits.map(factOf) });
  if (ripple !== undefined) items.push({ kind: 'ripple', id: `${id}/ripple`, ...ripple });
  if (texts && generation !== undefined && generation.prompts.length > 0) {
    const { prompts, references } = generation;
    items.push({ kind: 'text', id: `${id}/text`, prompts, ...(references && { references }) });
  }
  return items;
}

const factOf = ({ prompt, target_new, target_true, aliases }: DatasetCase['edits'][number]) => ({
  prompt,
  target_new,
  ...(target_true !== undefined && { target_true }),
  ...(aliases !== undefined && { aliases }),
});

/** The plain questions of an item: the phrasings of one over several facts stand for themselves. */
export function questionsOfItem(item: SuiteItem): readonly QuestionItem[] {
  if (item.kind === 'question') return [item];
  if (item.kind !== 'multi_hop') return [];
  const answers = [item.after.value, ...item.after.aliases];
  return item.questions.map((prompt, index) => {
    return { kind: 'question', id: `${item.id}/${index}`, prompt, answers, role: 'multi_hop' };
  });
}
