// ROME, r-ROME and p-ROME on random models of both families: what the installed update does to keys.
import { deltaDigest, valueMatrix } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { openArtefacts } from '../../artefacts/artefacts.ts';
import { builder as secondMoments } from '../../artefacts/second-moment/build.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import { edit } from '../../edit.ts';
import { prepareSearch } from '../../search/value-search.ts';
import { dot, meanOf, minus, multiplyVector, norm } from '../../solve/vectors.ts';
import { prefixTexts } from '../../texts/prefix-texts.ts';
import { editSequences } from '../../texts/sequences.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup, valueAt } from '../setups.fixture.ts';
import { tinyRebuilt, tinyRome, tinyWilke } from './tiny.fixture.ts';

const layer = tinyRome.layer;
const all = [
  ['r-rome', tinyRebuilt],
  ['rome', tinyRome],
  ['p-rome', tinyRome],
] as const;

for (const [name, settings] of all) leavesAloneWhatHolds(name, settings);
leavesAloneWhatHolds('wilke', tinyWilke);

describe('WilKE', () => {
  it('makes each edit where it scores least, as ROME does there', async () => {
    const { model, inputOf } = await tinySetup();
    const chosen = new Set<number>();
    for (const one of someEdits.slice(0, 4)) {
      const { deltas, outcomes } = await edit('wilke', inputOf(tinyWilke, [one]));
      const { layer_scores } = appliedDiagnostics(outcomes[0]);
      expect(layer_scores!.map(({ layer }) => layer).toSorted()).toEqual([0, 1, 2]);
      expect(layer_scores!.map(({ score }) => score)).toEqual(
        layer_scores!.map(({ score }) => score).toSorted((a, b) => a - b),
      );
      const [{ layer, score }] = layer_scores as [{ layer: number; score: number }];
      const alone = await edit('rome', inputOf(tinyRome, [one], { layer }));
      expect(deltaDigest(deltas[0]!.delta)).toBe(deltaDigest(alone.deltas[0]!.delta));
      const { offset } = appliedDiagnostics(alone.outcomes[0]).value_norms!;
      const sequences = editSequences(sequenceSource({ model }), one, []);
      const { keys } = (await prepareSearch(model.view(), { layer, site: 'mlp_out' }, [sequences])).activations[0]!;
      const weights = model.view().weight(valueMatrix(model.spec, layer).weight);
      const size = weights.reduce((sum, w) => sum + w * w, 0);
      expect(score).toBeCloseTo((offset * size) / dot(keys[0]!, keys[0]!), 3);
      chosen.add(layer);
    }
    expect(chosen.size).toBeGreaterThan(0);
  });

  it('makes it where it changes least of the matrix, where it is asked to', async () => {
    const { inputOf } = await tinySetup();
    const input = inputOf(tinyWilke, someEdits.slice(0, 1), { choose_by: 'relative_change' });
    const { layer_scores } = appliedDiagnostics((await edit('wilke', input)).outcomes[0]);
    for (const { layer, score } of layer_scores!) {
      const alone = await edit('rome', inputOf(tinyRome, someEdits.slice(0, 1), { layer }));
      expect(score, `layer ${layer}`).toBeCloseTo(appliedDiagnostics(alone.outcomes[0]).deltas![0]!.relative, 4);
    }
  });

  it('passes over a layer at which nothing can be added', async () => {
    const { inputOf } = await tinySetup();
    const { outcomes } = await edit('wilke', inputOf(tinyWilke, someEdits.slice(0, 1), { layers: [2, 3] }));
    expect(appliedDiagnostics(outcomes[0]).layer_scores!.map(({ layer }) => layer)).toEqual([2]);
    await expect(edit('wilke', inputOf(tinyWilke, someEdits.slice(0, 1), { layers: [3] }))).rejects.toMatchObject({
      code: 'zero_delta',
    });
  });
});

describe.each(families)('the rank-one editors on %s', (_family, config) => {
  it('r-ROME moves the mean key by the offset, ROME and p-ROME the bare one', async () => {
    const { model, inputOf } = await tinySetup(config);
    for (const [name, settings] of all) {
      const input = inputOf(settings, someEdits.slice(1, 2));
      const texts = await prefixTexts(input);
      const sequences = editSequences(sequenceSource(input), someEdits[1]!, texts);
      expect(sequences.contexts).toHaveLength(4);
      const before = model.view();
      const { keys } = (await prepareSearch(before, { layer, site: 'mlp_out' }, [sequences])).activations[0]!;
      const result = await edit(name, input);
      const after = before.with(result.deltas.map(({ delta }) => delta));
      const diagnostics = appliedDiagnostics(result.outcomes[0]);
      const key = name === 'r-rome' ? meanOf(keys) : keys[0]!;
      const moved = norm(minus(valueAt(after, layer, key), valueAt(before, layer, key)));
      expect(moved / diagnostics.value_norms!.offset).toBeCloseTo(1, 4);
      expect(diagnostics.last_loss.nll).toBeLessThan(diagnostics.first_loss.nll);
    }
  });

  it('leaves keys alone that C^-1 k does not see', async () => {
    const { model, artefacts, inputOf } = await tinySetup(config);
    const input = inputOf(tinyRebuilt, someEdits.slice(0, 1), { prefixes: [] });
    const before = model.view();
    const sequences = editSequences(sequenceSource(input), someEdits[0]!, []);
    const [key] = (await prepareSearch(before, { layer, site: 'mlp_out' }, [sequences])).activations[0]!.keys;
    const normal = multiplyVector((await artefacts.read(secondMoments, secondMomentOf(layer))).inverse, key!);
    const x = Float64Array.from(normal, (_, i) => Math.cos(i * 7));
    const along = dot(normal, x) / dot(normal, normal);
    const unseen = x.map((v, i) => v - along * normal[i]!);
    const result = await edit('r-rome', input);
    const after = before.with(result.deltas.map(({ delta }) => delta));
    const moved = (v: Float64Array) => norm(minus(valueAt(after, layer, v), valueAt(before, layer, v)));
    expect(moved(unseen)).toBeLessThan(1e-4 * moved(x));
  });
});

describe('a batch of rank-one edits', () => {
  it('is applied in order, each on top of those before it', async () => {
    const { model, inputOf } = await tinySetup();
    const together = await edit('r-rome', inputOf(tinyRebuilt, someEdits.slice(0, 2)));
    expect(together.deltas.map(({ custom_ids }) => custom_ids)).toEqual([['anna'], ['boris']]);
    const first = await edit('r-rome', inputOf(tinyRebuilt, someEdits.slice(0, 1)));
    const parent = model.view(first.deltas.map(({ delta }) => delta));
    const second = await edit('r-rome', inputOf(tinyRebuilt, someEdits.slice(1, 2), {}, parent));
    expect(deltaDigest(together.deltas[0]!.delta)).toBe(deltaDigest(first.deltas[0]!.delta));
    expect(deltaDigest(together.deltas[1]!.delta)).toBe(deltaDigest(second.deltas[0]!.delta));
    const alone = await edit('r-rome', inputOf(tinyRebuilt, someEdits.slice(1, 2)));
    expect(deltaDigest(alone.deltas[0]!.delta)).not.toBe(deltaDigest(second.deltas[0]!.delta));
  });

  it('gives the same bytes for the same inputs, from a model loaded anew', async () => {
    const digests = [];
    for (let i = 0; i < 2; i++) {
      const { inputOf } = await tinySetup();
      const { deltas } = await edit('r-rome', inputOf(tinyRebuilt, someEdits.slice(0, 2)));
      digests.push(deltas.map(({ delta }) => deltaDigest(delta)));
    }
    expect(digests[0]).toEqual(digests[1]);
  });

  it('counts the prefixes that a prompt does not fit behind, and quotes the prompt as it was given', async () => {
    const { inputOf } = await tinySetup();
    const long = { ...someEdits[0]!, prompt: `${'the city of '.repeat(20)}Anna lives in` };
    for (const [name, settings] of all) {
      const { outcomes } = await edit(name, inputOf(settings, [long, someEdits[1]!]));
      expect(outcomes.map((outcome) => appliedDiagnostics(outcome).prefixes)).toEqual([
        { used: 0, left_out: 3 },
        { used: 3, left_out: 0 },
      ]);
    }
    const lost = { ...someEdits[0]!, subject: 'Dmitri' };
    await expect(edit('r-rome', inputOf(tinyRebuilt, [lost]))).rejects.toThrow(
      `anna: ${JSON.stringify(lost.prompt)}: `,
    );
  });

  it('never changes the parent', async () => {
    const { model, inputOf } = await tinySetup();
    const parent = model.view();
    const before = parent.weightsDigest();
    await edit('r-rome', inputOf(tinyRebuilt, someEdits.slice(0, 1), {}, parent));
    expect(parent.weightsDigest()).toBe(before);
  });

  it('reports an edit that fails, and goes on when asked to', async () => {
    const { inputOf } = await tinySetup();
    const lost = { ...someEdits[0]!, custom_id: 'lost', subject: 'Dmitri' };
    const input = inputOf(tinyRebuilt, [lost, someEdits[0]!]);
    await expect(edit('r-rome', input)).rejects.toMatchObject({ code: 'subject_not_in_prompt' });
    const { outcomes, deltas } = await edit('r-rome', input, { onError: 'continue' });
    expect(outcomes.map(({ custom_id, outcome }) => [custom_id, outcome])).toEqual([
      ['lost', 'failed'],
      ['anna', 'applied'],
    ]);
    expect(deltas).toHaveLength(1);
  });

  it('calls a search that ends where it began an error, and names the edit', async () => {
    const { inputOf } = await tinySetup();
    const input = inputOf(tinyRebuilt, someEdits.slice(0, 1), { steps: 1 });
    await expect(edit('r-rome', input)).rejects.toMatchObject({
      code: 'zero_delta',
      message: expect.stringContaining('anna'),
      details: { custom_ids: ['anna'] },
    });
  });

  it('says what is missing, and what is too long', async () => {
    const { model, inputOf } = await tinySetup();
    const input = inputOf(tinyRebuilt, someEdits.slice(0, 1));
    const bare = openArtefacts(model.digest!, []);
    await expect(edit('r-rome', { ...input, artefacts: bare })).rejects.toMatchObject({ code: 'artefact_missing' });
    const long = { ...someEdits[0]!, prompt: `${'the city of '.repeat(25)}Anna lives in` };
    await expect(edit('r-rome', { ...input, edits: [long] })).rejects.toMatchObject({ code: 'prompt_too_long' });
    await expect(edit('r-rome', { ...input, edits: [] })).rejects.toMatchObject({ code: 'invalid_edits' });
  });

  it('reports progress, and stops where it is told to', async () => {
    const { inputOf } = await tinySetup();
    const seen: string[] = [];
    const stop = new AbortController();
    const run = edit('r-rome', inputOf(tinyRebuilt, someEdits.slice(0, 2)), {
      signal: stop.signal,
      onError: 'continue',
      onProgress: ({ phase, custom_id, step }) => {
        seen.push(`${phase} ${custom_id ?? ''} ${step ?? ''}`.trim());
        if (phase === 'search' && custom_id === 'boris' && step === 2) stop.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
    expect(seen.slice(0, 2)).toEqual(['prepare', 'search anna 1']);
    expect(seen.at(-1)).toBe('search boris 2');
  });
});
