// What a Gemma 3's config.json means.

import { expect, it } from 'vitest';
import { decoderSpec } from './index.ts';

const text = {
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 7,
  rope_scaling: { rope_type: 'linear', factor: 8 },
};
const gemma3 = { model_type: 'gemma3_text', ...text };

it('takes what its config leaves out as its authors have it', () => {
  const spec = decoderSpec(gemma3);
  expect(spec).toMatchObject({ heads: 8, kvHeads: 4, headDim: 256, vocab: 262_208, tied: true, scoreScale: 1 / 16 });
  expect(spec.embeddingScale).toBe(Math.sqrt(8));
});

it('attends far in every sixth layer, and rotates there by the base and scaling that are far ones', () => {
  const { blocks } = decoderSpec(gemma3);
  expect(blocks.map(({ window }) => window)).toEqual([4096, 4096, 4096, 4096, 4096, undefined, 4096]);
  const frequencies = (layer: number) => blocks[layer]!.rotary!.inverseFrequencies;
  expect([frequencies(0)[0], frequencies(5)[0]]).toEqual([1, 1 / 8]);
  expect(frequencies(0)[64]).toBeCloseTo(10_000 ** -0.5, 6);
  expect(frequencies(5)[64]).toBeCloseTo(1_000_000 ** -0.5 / 8, 6);
  const named = {
    ...gemma3,
    rope_parameters: { full_attention: { rope_theta: 100 }, sliding_attention: { rope_theta: 4 } },
  };
  const [near, far] = [0, 5].map((layer) => decoderSpec(named).blocks[layer]!.rotary!.inverseFrequencies[64]);
  expect([near, far]).toEqual([0.5, Math.fround(0.1)]);
});

it('is found in a model that sees, under either of its names', () => {
  const sees = { model_type: 'gemma3', text_config: text, vision_config: {} };
  expect(decoderSpec(sees).tokenEmbedding).toBe('model.embed_tokens.weight');
  for (const prefix of ['language_model.model.', 'model.language_model.']) {
    const spec = decoderSpec(sees, [`${prefix}norm.weight`, 'vision_tower.norm.weight']);
    expect(spec.parameters.has(`${prefix}layers.6.self_attn.q_norm.weight`)).toBe(true);
    expect(spec.finalNorm.weight).toBe(`${prefix}norm.weight`);
  }
});
