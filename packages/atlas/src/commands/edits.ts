// npm run atlas:edits: writes an edit set from the model's world, in Errata's own layout or CounterFact's, or its reference texts.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { toCounterFact } from '../edits/counterfact.ts';
import { drawEdits, toJsonl, type WorldEdit } from '../edits/edit-set.ts';
import { toReferences } from '../edits/references.ts';
import { buildWorld } from '../world/world.ts';

const usage =
  'usage: npm run atlas:edits -- --n COUNT [--seed N] [--layout errata|counterfact|references] [--out FILE]\n';
const { values } = parseArgs({
  options: {
    n: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    layout: { type: 'string', default: 'errata' },
    out: { type: 'string' },
  },
});
const world = buildWorld();
const writers = {
  errata: toJsonl,
  counterfact: (edits: readonly WorldEdit[]) => `${JSON.stringify(toCounterFact(world, edits), null, 2)}\n`,
  references: (edits: readonly WorldEdit[]) =>
    toReferences(world, edits)
      .map((each) => `${JSON.stringify(each)}\n`)
      .join(''),
};
const count = Number(values.n);
const seed = Number(values.seed);
if (
  !(Number.isInteger(count) && count > 0 && count <= world.facts.length) ||
  !Number.isInteger(seed) ||
  !Object.hasOwn(writers, values.layout)
) {
  process.stderr.write(`${usage}COUNT is a whole number from 1 to ${world.facts.length}, N a whole number\n`);
  process.exit(2);
}
const text = writers[values.layout as keyof typeof writers](drawEdits(world, count, seed));
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
