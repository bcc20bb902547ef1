// npm run train:atlas: trains a shipped model from its seed, or goes on where it was stopped, and writes models/atlas; with
// `--shape t5` the encoder-decoder, models/atlas-t5.
import { parseArgs } from 'node:util';
import { atlasDirectory, t5Directory, trainingStatePath, writeModel } from '../model-files.ts';
import { type Recipe, recipes } from '../training/recipe.ts';
import { trainTokenizer } from '../training/tokenizer.ts';
import { train } from '../training/train.ts';
import { buildWorld } from '../world/world.ts';
import { bar, duration, progressLine } from './progress.ts';

const { values } = parseArgs({
  options: {
    shape: { type: 'string', default: 'gpt2' satisfies Recipe['shape'] },
    out: { type: 'string' },
    state: { type: 'string' },
    steps: { type: 'string' },
  },
});
const shapes = Object.keys(recipes) as Recipe['shape'][];
const shape = shapes.find((known) => known === values.shape);
if (shape === undefined) {
  process.stderr.write(`--shape is one of ${shapes.join(', ')}\n`);
  process.exit(2);
}
const shipped: Recipe = recipes[shape];
const recipe = values.steps === undefined ? shipped : { ...shipped, steps: Number(values.steps) };
const out = values.out ?? (shape === 'gpt2' ? atlasDirectory : t5Directory);

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

const line = progressLine();
const world = buildWorld();
line.show(`${world.facts.length} facts; training the tokenizer`, true);
const tokenizer = trainTokenizer(world, recipe);
const trained = await train(world, tokenizer, recipe, {
  statePath: values.state ?? trainingStatePath(shape),
  signal: stopping.signal,
  onProgress: ({ step, steps, answerLoss, seconds, stepsHere }) => {
    const rest = (seconds / stepsHere) * (steps - step);
    const speed = Math.round((stepsHere * recipe.rows * recipe.context) / seconds);
    line.show(
      `${bar(step, steps)}  step ${step}/${steps}  answers ${answerLoss.toFixed(3)} nats  ${speed} tokens/s  ` +
        `${duration(seconds)} so far, ${duration(rest)} left`,
      step === steps,
    );
  },
});
line.end();
if (trained.finished) {
  await writeModel(out, world, recipe, tokenizer, trained);
  process.stderr.write(`wrote ${out}; measure it with: npm run atlas:measure\n`);
} else {
  process.stderr.write('stopped; the same command goes on from here\n');
  process.exitCode = 130;
}
