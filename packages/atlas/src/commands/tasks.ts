// npm run atlas:tasks: writes the general-ability tasks of the model's world.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseEditsJsonl } from '@errata/contracts';
import { atlasDirectory, writeTasks } from '../model-files.ts';
import { defaultTaskOptions } from '../tasks/draw.ts';
import { tasksFolder } from '../tasks/task-files.ts';
import { buildWorld } from '../world/world.ts';

const usage = 'usage: npm run atlas:tasks -- [--n COUNT] [--seed N] [--exclude EDITS.jsonl] [--out DIRECTORY]\n';
const { values } = parseArgs({
  options: {
    n: { type: 'string' },
    seed: { type: 'string' },
    exclude: { type: 'string' },
    out: { type: 'string', default: join(atlasDirectory, tasksFolder) },
  },
});
const fail = (what: string): never => {
  process.stderr.write(`${usage}${what}\n`);
  process.exit(2);
};
const wholeNumber = (name: string, text: string, least: number): number => {
  const value = Number(text);
  return Number.isInteger(value) && value >= least ? value : fail(`${name} is a whole number from ${least}`);
};
/** Subjects of an edit set, in place of those of the default one. */
const subjectsOf = (path: string): ReadonlySet<string> => {
  const { edits, errors } = parseEditsJsonl(readFileSync(path, 'utf8'));
  const [first] = errors;
  return first === undefined
    ? new Set(edits.flatMap(({ subject }) => subject ?? []))
    : fail(`${path}, line ${first.line}: ${first.message}`);
};

const world = buildWorld();
const options = defaultTaskOptions(world);
const written = writeTasks(values.out, world, {
  count: values.n === undefined ? options.count : wholeNumber('COUNT', values.n, 1),
  seed: values.seed === undefined ? options.seed : wholeNumber('N', values.seed, 0),
  edited: values.exclude === undefined ? options.edited : subjectsOf(values.exclude),
});
for (const [path, items] of written) process.stdout.write(`${path}: ${items} items\n`);
