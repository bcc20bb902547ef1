// A suite: a task with its items, checked against each other once and then put to as many versions as there are.
import { canonicalJson, ErrataError, sha256 } from '@errata/contracts';
import type { Tokenizer, View } from '@errata/models';
import type { SuiteItem, SuiteItemKind } from '../datasets/items.ts';
import { type AbilityOptions, type AbilityResult, measureAbility } from './measure.ts';
import { type AbilityTask, type AbilityTaskId, abilityTasks, type ItemOf } from './tasks.ts';

export interface AbilitySuite {
  readonly task: AbilityTaskId;
  /** Of the task's definition. */
  readonly version: number;
  /** How many items there are. */
  readonly items: number;
  /** Of the task, its version and all items in order: equal for suites that ask the same. */
  readonly digest: string;
  /** As {@link measureAbility}. */
  readonly measure: (view: View, tokenizer: Tokenizer, options?: AbilityOptions) => Promise<AbilityResult>;
}

/**
 * A task with items of any data set of its kind.
 * @throws ErrataError `invalid_request` for an item of another kind, two items of one id, or none at all
 */
export function abilitySuite(id: AbilityTaskId, items: readonly SuiteItem[]): AbilitySuite {
  return suiteOf(id, abilityTasks[id], items);
}

function suiteOf<Kind extends SuiteItemKind>(
  id: AbilityTaskId,
  task: AbilityTask<Kind>,
  items: readonly SuiteItem[],
): AbilitySuite {
  const refuse = (message: string): never => {
    throw new ErrataError('invalid_request', `${id}: ${message}`, { details: { task: id } });
  };
  if (items.length === 0) refuse('there are no items to ask');
  const isMine = (item: SuiteItem): item is ItemOf<Kind> => item.kind === task.items;
  const mine = items.filter(isMine);
  const stranger = items.find((item) => !isMine(item));
  if (stranger)
    refuse(`it asks items of kind ${task.items}; ${JSON.stringify(stranger.id)} is of kind ${stranger.kind}`);
  const seen = new Set<string>();
  for (const item of mine) {
    if (seen.has(item.id)) refuse(`two items have the id ${JSON.stringify(item.id)}`);
    seen.add(item.id);
  }
  return {
    task: id,
    version: task.version,
    items: mine.length,
    digest: sha256(canonicalJson([id, task.version, mine])),
    measure: (view, tokenizer, options) => measureAbility(view, tokenizer, task, mine, options),
  };
}
