// Measuring general ability: a task's items put to one version, row by row, with means over all of them and by group.
import type { Tokenizer, View } from '@errata/models';
import type { SuiteItemKind } from '../datasets/items.ts';
import type { SkipReason } from './read.ts';
import { sampleOf } from './sample.ts';
import { type AbilityCache, itemScorer, type Scored } from './score-items.ts';
import type { AbilityScores, AbilityTask, ItemOf } from './tasks.ts';

/** One item that was asked. */
export type AbilityRow = { readonly id: string } & Scored;

/** One item that was not asked. */
export type SkippedItem = { readonly id: string } & SkipReason;

/** Means over some rows. */
export interface AbilityMeans {
  readonly count: number;
  /** By score, empty of no rows. */
  readonly scores: AbilityScores;
  /** What a blind choice, or silence, would have earned; null of no rows. */
  readonly chance: number | null;
}

export interface AbilityResult {
  readonly task: string;
  readonly version: number;
  readonly template: string;
  /** How many items there were, and how many of them were drawn. */
  readonly items: number;
  readonly drawn: number;
  /** Both in the order of the items; together as many as were drawn. */
  readonly rows: readonly AbilityRow[];
  readonly skipped: readonly SkippedItem[];
  readonly means: AbilityMeans;
  /** By group, in order of first appearance; empty where the task has none. */
  readonly groups: Readonly<Record<string, AbilityMeans>>;
}

export interface AbilityOptions {
  /** Items drawn at most; all when left out. */
  readonly limit?: number;
  /** Of the draw; 1 when left out. */
  readonly seed?: number;
  /** Items put to the model at a time; progress is told and cancellation seen between. 64 when left out. */
  readonly batch?: number;
  /** Of this very version. */
  readonly cache?: AbilityCache;
  /** Its reason is thrown. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

const defaultBatch = 64;

/**
 * Puts a task's items to a version. An item whose prompt and answer do not fit the model's context is never cut: it is left
 * out and listed with the reason, so that two versions of a model answer the same questions.
 * @throws RangeError for a limit below 0 or a batch below 1; ModelError sequence_*
 */
export async function measureAbility<Kind extends SuiteItemKind>(
  view: View,
  tokenizer: Tokenizer,
  task: AbilityTask<Kind>,
  items: readonly ItemOf<Kind>[],
  options: AbilityOptions = {},
): Promise<AbilityResult> {
  const { limit = items.length, seed = 1, batch = defaultBatch, cache, signal, onProgress } = options;
  if (!(Number.isInteger(limit) && limit >= 0)) throw new RangeError(`limit is ${limit}`);
  if (!(Number.isInteger(batch) && batch >= 1)) throw new RangeError(`batch is ${batch}`);
  const drawn = sampleOf(items, limit, seed);
  const scoreItems = itemScorer(task, { view, tokenizer }, cache, signal);
  const rows: AbilityRow[] = [];
  const skipped: SkippedItem[] = [];
  for (let at = 0; at < drawn.length; at += batch) {
    signal?.throwIfAborted();
    onProgress?.({ done: at, total: drawn.length });
    const asked = drawn.slice(at, at + batch);
    for (const [index, outcome] of (await scoreItems(asked)).entries()) {
      const { id } = asked[index]!;
      if ('skip' in outcome) skipped.push({ id, ...outcome.skip });
      else rows.push({ id, ...outcome.scored });
    }
  }
  onProgress?.({ done: drawn.length, total: drawn.length });
  return {
    task: task.id,
    version: task.version,
    template: task.template,
    items: items.length,
    drawn: drawn.length,
    rows,
    skipped,
    means: meansOf(task, rows),
    groups: groupMeans(task, rows),
  };
}

function meansOf({ scores }: AbilityTask, rows: readonly AbilityRow[]): AbilityMeans {
  if (rows.length === 0) return { count: 0, scores: {}, chance: null };
  const mean = (of: (row: AbilityRow) => number) => rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  return {
    count: rows.length,
    scores: Object.fromEntries(scores.map((score) => [score, mean((row) => row.scores[score]!)])),
    chance: mean((row) => row.chance),
  };
}

function groupMeans(task: AbilityTask, rows: readonly AbilityRow[]): Record<string, AbilityMeans> {
  const groups = new Map<string, AbilityRow[]>();
  for (const row of rows) {
    if (row.group === null) continue;
    const group = groups.get(row.group);
    if (group) group.push(row);
    else groups.set(row.group, [row]);
  }
  return Object.fromEntries([...groups].map(([name, group]) => [name, meansOf(task, group)]));
}
