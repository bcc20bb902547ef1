// npm run atlas:edits: writes an edit set from the model's world, in Errata's own layout or CounterFact's.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { toCounterFact } from '../edits/counterfact.ts';
import { drawEdits, toJsonl } from '../edits/edit-set.ts';
import { buildWorld } from '../world/world.ts';

const usage = 'usage: npm run atlas:edits -- --n COUNT [--seed N] [--layout errata|counterfact] [--out FILE]\n';
const { values } = parseArgs({
  options: {
    n: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    layout: { type: 'string', default: 'errata' },
    out: { type: 'string' },
  },
});
const world = buildWorld();
const count = Number(values.n);
const seed = Number(values.seed);
if (
  !(Number.isInteger(count) && count > 0 && count <= world.facts.length) ||
  !Number.isInteger(seed) ||
  !['errata', 'counterfact'].includes(values.layout)
) {
  process.stderr.write(`${usage}COUNT is a whole number from 1 to ${world.facts.length}, N a whole number\n`);
  process.exit(2);
}
const edits = drawEdits(world, count, seed);
const text = values.layout === 'errata' ? toJsonl(edits) : `${JSON.stringify(toCounterFact(world, edits), null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
