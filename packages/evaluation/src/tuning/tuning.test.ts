// Tuning: what is tried, in which order, and that what is found is judged by edits that took no part in the choice.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkEdits, type Edit } from '@errata/contracts';
import { localArtefacts } from '@errata/editors';
import { artefactNeeds, type EditorSettings, resolveConfig } from '@errata/editors/catalogue';
import { loadCheckpoint, openModel } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { clampCandidates, layerCandidates } from './candidates.ts';
import { type Trial, tuneEditor } from './tune.ts';

describe('what is tried', () => {
  it('is the layer that is there, then others all over the model, from it outwards', () => {
    expect(layerCandidates({ layer: 5, clamp_factor: 4 }, 30, 8)).toEqual([
      {},
      ...[7, 2, 11, 15, 19, 23, 27].map((layer) => ({ layer })),
    ]);
    expect(layerCandidates({ layer: 1, clamp_factor: 4 }, 3, 8)).toEqual([{}, { layer: 0 }]);
    expect(layerCandidates({ layer: 0, clamp_factor: 4 }, 1, 8)).toEqual([{}]);
    expect(layerCandidates({ layer: 2, clamp_factor: 4 }, 30, 1)).toEqual([{}]);
  });

  it('is as many layers as there are, where an editor takes several', () => {
    const config = { layers: [4, 5, 6], clamp_factor: 4 };
    expect(layerCandidates(config, 12, 3)).toEqual([{}, { layers: [6, 7, 8] }, { layers: [0, 1, 2] }]);
  });

  it('is smaller and greater clamps', () => {
    expect(clampCandidates({ clamp_factor: 4 }).map(({ clamp_factor }) => clamp_factor)).toEqual([1, 2, 8, 16]);
  });
});

const directory = fileURLToPath(new URL('../../../../models/atlas', import.meta.url));

/** r-ROME on the shipped model, told to edit where it does not hold. */
async function atlas(config: EditorSettings, timeLeft: () => number, edits: readonly Edit[]) {
  const checkpoint = await loadCheckpoint(directory);
  const model = openModel(checkpoint);
  const shape = { model_type: 'gpt2', layers: model.spec.layers, width: model.spec.width };
  const complete = resolveConfig('r-rome', shape, undefined, { ...config, prefixes: [], second_moment: false });
  const store = { get: async () => undefined, put: async () => {}, delete: async () => {} };
  const artefactsOf = (chosen: EditorSettings) =>
    localArtefacts({ model, digest: checkpoint.digest, store }, artefactNeeds('r-rome', chosen, shape, 0));
  const tried: Trial[] = [];
  const tuning = await tuneEditor(
    {
      model,
      tokenizer: model.tokenizer!,
      editor: 'r-rome',
      config: complete,
      edits,
      artefactsOf,
      seed: 0,
      layers: 4,
      timeLeft,
    },
    { onTrial: (_done, _total, trial) => tried.push(trial) },
  );
  await model.release();
  return { tuning, tried };
}

const given: readonly Edit[] = checkEdits(
  readFileSync(`${directory}/edits.jsonl`, 'utf8')
    .split('\n')
    .slice(0, 2)
    .map((line) => JSON.parse(line)),
).edits;

describe('tuning r-ROME on the shipped model', () => {
  const wrong = { layer: 4, clamp_factor: 2, steps: 20, kl_factor: 0, weight_decay: 0 };

  it('finds what does better than what was there, and says so by other edits', async () => {
    const { tuning, tried } = await atlas(wrong, () => 1, given);
    expect(tuning.trials).toEqual(tried);
    expect(tuning.trials[0]!.settings).toEqual({});
    expect(tuning.left_out).toBe(0);
    const scores = tuning.trials.map(({ score }) => score);
    const best = tuning.trials.find(({ settings }) => settings === tuning.best)!;
    expect(best.score).toBe(Math.max(...scores));
    expect(best.score).toBeGreaterThan(scores[0]!);
    expect(tuning.held_apart.edits).toBe(1);
    expect(tuning.held_apart.after.score).toBeGreaterThan(tuning.held_apart.before.score);
  });

  it('begins nothing new once its time is over, but tries what is there', async () => {
    const { tuning } = await atlas(wrong, () => 0, given);
    expect(tuning.trials.map(({ settings }) => settings)).toEqual([{}]);
    expect(tuning.left_out).toBe(7);
    expect(tuning.best).toEqual({});
    expect(tuning.held_apart.after).toEqual(tuning.held_apart.before);
  });

  it('needs two edits', async () => {
    await expect(atlas(wrong, () => 1, given.slice(0, 1))).rejects.toMatchObject({ code: 'invalid_request' });
  });
});
