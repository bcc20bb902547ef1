// Versions in company: each writes what it writes alone, whatever else is in the batch.

import { describe, expect, it } from 'vitest';
import { valueMatrix } from '../architectures/spec.ts';
import type { Delta } from '../deltas/index.ts';
import { expectedOutputs, openTiny, randomArray } from '../tiny-models.fixture.ts';

const move = (tensor: string, inSize: number, outSize: number, seed: number): Delta => ({
  kind: 'low_rank',
  tensor,
  rank: 1,
  left: randomArray(inSize, seed, 2),
  right: randomArray(outSize, seed + 1, 2),
});

describe.each(['gpt2-tied', 'llama-tied'])('versions of %s', (name) => {
  it('write in company what each writes alone, greedy and drawn, with those among them that differ elsewhere', async () => {
    const model = await openTiny(name, { storeMatrices: false });
    const { spec } = model;
    const own = (layer: number, seed: number) => {
      const { weight, inSize, outSize } = valueMatrix(spec, layer);
      return move(weight, inSize, outSize, seed);
    };
    const [vocab, width] = spec.parameters.get(spec.tokenEmbedding)!;
    const elsewhere = move(spec.tokenEmbedding, width!, vocab!, 40);
    const versions = [[], [own(0, 10)], [own(1, 20)], [own(0, 30), own(1, 50)], [elsewhere]].map((deltas) =>
      model.view(deltas),
    );
    const prompts = expectedOutputs(name).sequences.map((ids) => ids.slice(0, 5));
    const asked = versions.flatMap((view) => prompts.map((prompt) => ({ view, prompt })));
    for (const drawn of [{}, { temperature: 1, topK: 5 }]) {
      const options = { ...drawn, maxTokens: 8 };
      const together = await model.generate(asked, { ...options, streams: asked.map((_, i) => i) });
      const alone = await Promise.all(
        versions.map((view, version) => {
          const streams = prompts.map((_, i) => version * prompts.length + i);
          return view.generate(prompts, { ...options, streams });
        }),
      );
      expect(together).toEqual(alone.flat());
      const texts = new Set(alone.map((found) => JSON.stringify(found)));
      expect(texts.size).toBe(versions.length);
    }
    await model.release();
  });
});
