// The files of the general-ability tasks, by name: JSON lines in the layouts of the benchmarks they stand in for.
import type { World } from '../world/world.ts';
import { choiceRecords } from './choice.ts';
import type { TaskOptions } from './draw.ts';
import { entailmentRecords } from './entailment.ts';
import { readingRecords } from './reading.ts';

/** Where a model's directory has them. */
export const tasksFolder = 'tasks';

export function taskFiles(world: World, options: TaskOptions): ReadonlyMap<string, string> {
  const lines = (records: readonly object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
  return new Map([
    ['choice.jsonl', lines(choiceRecords(world, options))],
    ['entailment.jsonl', lines(entailmentRecords(world, options))],
    ['reading.jsonl', lines(readingRecords(world, options))],
  ]);
}
