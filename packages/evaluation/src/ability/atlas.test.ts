// The shipped model on the tasks of its own world: well above chance, at chance when destroyed, and nothing too long for it.
import { fileURLToPath } from 'node:url';
import { type Delta, loadCheckpoint, openModel } from '@errata/models';
import { afterAll, describe, expect, it } from 'vitest';
import { loadDataset } from '../datasets/survey.ts';
import { abilitySuite } from './suite.ts';
import { type AbilityTaskId, abilityTasks } from './tasks.ts';

const directory = fileURLToPath(new URL('../../../../models/atlas/', import.meta.url));
const checkpoint = await loadCheckpoint(directory);
const model = openModel(checkpoint);
checkpoint.close();
afterAll(() => model.release());
const view = model.view();
const tokenizer = model.tokenizer!;
const destroyed = view.with(
  [...model.spec.parameters.keys()].map(
    (tensor): Delta => ({ kind: 'dense', tensor, data: view.weight(tensor).map((x) => -x) }),
  ),
);

const suite = async (task: AbilityTaskId, file: string) =>
  abilitySuite(task, (await loadDataset(`${directory}tasks/${file}.jsonl`)).items);
const choice = await suite('atlas_choice', 'choice');
const entailment = await suite('atlas_entailment', 'entailment');
const reading = await suite('atlas_reading', 'reading');

describe('the shipped model', () => {
  it('chooses the fact among objects of its relation', async () => {
    const { means, skipped } = await choice.measure(view, tokenizer);
    expect(skipped).toEqual([]);
    expect(means.chance).toBe(1 / 4);
    for (const score of abilityTasks.atlas_choice.scores) expect(means.scores[score]).toBeGreaterThan(0.9);
  });

  it('goes on with what follows and not with its opposite', async () => {
    const { means, groups, skipped } = await entailment.measure(view, tokenizer);
    expect(skipped).toEqual([]);
    expect(means.chance).toBe(1 / 2);
    expect(groups.restated!.scores.likelihood).toBeGreaterThan(0.9);
    expect(groups.composed!.scores.likelihood).toBeGreaterThan(0.8);
  });

  it('reads a new fact off a passage', async () => {
    const { means, skipped } = await reading.measure(view, tokenizer);
    expect(skipped).toEqual([]);
    for (const score of abilityTasks.atlas_reading.scores) expect(means.scores[score]).toBeGreaterThan(0.8);
  });
});

describe('destroyed', () => {
  it('is at chance', async () => {
    const chosen = await choice.measure(destroyed, tokenizer);
    expect(chosen.means.scores.likelihood_per_token).toBe(1 / 4);
    expect(chosen.means.scores.first_token).toBe(1 / 4);
    // The sum prefers short options whatever they say; which of four is right does not depend on that.
    expect(chosen.means.scores.likelihood).toBeLessThan(0.45);
    const judged = await entailment.measure(destroyed, tokenizer);
    expect(judged.means.scores.likelihood_per_token).toBe(1 / 2);
    const said = await reading.measure(destroyed, tokenizer);
    expect(said.means.scores).toMatchObject({ exact_match: 0, f1: 0 });
    expect(said.means.scores.inverse_perplexity).toBeCloseTo(1 / model.spec.vocab, 6);
  });
});
