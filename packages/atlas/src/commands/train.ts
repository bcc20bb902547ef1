// npm run train:atlas: trains the shipped model from its seed, or goes on where it was stopped, and writes models/atlas.
import { parseArgs } from 'node:util';
import { atlasDirectory, trainingStatePath, writeModel } from '../model-files.ts';
import { atlasRecipe } from '../training/recipe.ts';
import { trainTokenizer } from '../training/tokenizer.ts';
import { train } from '../training/train.ts';
import { buildWorld } from '../world/world.ts';
import { bar, duration, progressLine } from './progress.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: atlasDirectory },
    state: { type: 'string', default: trainingStatePath },
    steps: { type: 'string' },
  },
});
const recipe = values.steps === undefined ? atlasRecipe : { ...atlasRecipe, steps: Number(values.steps) };

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

const line = progressLine();
const world = buildWorld();
line.show(`${world.facts.length} facts; training the tokenizer`, true);
const tokenizer = trainTokenizer(world, recipe);
const trained = await train(world, tokenizer, recipe, {
  statePath: values.state,
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
  await writeModel(values.out, world, recipe, tokenizer, trained);
  process.stderr.write(`wrote ${values.out}; measure it with: npm run atlas:measure\n`);
} else {
  process.stderr.write('stopped; the same command goes on from here\n');
  process.exitCode = 130;
}
