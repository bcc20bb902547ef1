// npm run atlas:measure: measures the shipped model and writes its card and measurements.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadCheckpoint, openModel } from '@errata/models';
import { trainedPhrasings } from '../corpus/sentences.ts';
import { type Measurements, modelCard } from '../measure/card.ts';
import { type Asked, measureRecall, questionSets, type Share, shareOf } from '../measure/recall.ts';
import { traceFacts } from '../measure/tracing.ts';
import { atlasDirectory } from '../model-files.ts';
import type { Recipe } from '../training/recipe.ts';
import { buildWorld, fill } from '../world/world.ts';
import { progressLine } from './progress.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: atlasDirectory },
    sample: { type: 'string' },
    traces: { type: 'string', default: '100' },
    'no-write': { type: 'boolean', default: false },
  },
});
const sample = values.sample === undefined ? Number.POSITIVE_INFINITY : Number(values.sample);
const line = progressLine(0);
const world = buildWorld();
const checkpoint = await loadCheckpoint(values.model);
const { tokenizer, weightsDigest } = checkpoint;
if (!tokenizer) throw new Error(`${values.model} has no tokenizer`);
const model = openModel(checkpoint);
checkpoint.close();
const view = model.view();

const recall = await measureRecall(view, tokenizer, questionSets(world, sample), (name) =>
  line.show(`asking: ${name}`),
);
const relations = new Map(
  [...world.factsByRelation].map(([id, facts]): [string, Asked[]] => [
    id,
    facts.flatMap((fact) =>
      trainedPhrasings(fact)
        .slice(0, Number.isFinite(sample) ? 1 : undefined)
        .map((phrasing) => ({ prompt: fill(phrasing, fact.subject), answer: fact.object })),
    ),
  ]),
);
line.show('asking: every relation');
const byRelation = await measureRecall(view, tokenizer, relations);
line.show('tracing');
const tracing = model.spec.over ? undefined : await traceFacts(view, tokenizer, world, Number(values.traces));
line.end();
const measured: Measurements = {
  weightsDigest,
  parameters: model.weightBytes / Float32Array.BYTES_PER_ELEMENT,
  recall: Object.fromEntries(recall),
  byRelation: Object.fromEntries(byRelation),
  ...(tracing && { tracing }),
};
await model.release();

const print = (name: string, share: Share) =>
  process.stdout.write(
    `${(100 * shareOf(share)).toFixed(1).padStart(6)} %  of ${String(share.asked).padStart(5)}  ${name}\n`,
  );
for (const [name, share] of recall) print(name, share);
for (const [name, share] of [...byRelation].filter(([, share]) => shareOf(share) < 0.97)) print(`weak: ${name}`, share);
for (const [site, positions] of Object.entries(tracing?.recovered ?? {}))
  for (const [position, shares] of Object.entries(positions))
    process.stdout.write(`tracing ${site} ${position}: ${shares.map((share) => share.toFixed(2)).join(' ')}\n`);
if (!values['no-write']) {
  writeFileSync(join(values.model, 'measurements.json'), `${JSON.stringify(measured, null, 2)}\n`);
  // The recipe that made these weights, which may no longer be the one in the source.
  const { recipe } = JSON.parse(readFileSync(join(values.model, 'training.json'), 'utf8')) as { recipe: Recipe };
  writeFileSync(join(values.model, 'README.md'), modelCard(world, recipe, measured));
}
