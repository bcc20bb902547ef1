// What a Llama's config.json and tensor names mean.

import { expect, it } from 'vitest';
import { matrixShape } from './blocks/refs.ts';
import { decoderSpec } from './index.ts';
import { findMatrix, valueMatrix } from './spec.ts';

const llama = {
  model_type: 'llama',
  vocab_size: 50,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
};

it('keeps its linear maps [out, in]', () => {
  const spec = decoderSpec(llama);
  expect(findMatrix(spec, 'model.layers.0.self_attn.o_proj.weight')).toMatchObject({ orientation: 'out_in' });
  expect(matrixShape(valueMatrix(spec, 0))).toEqual([8, 12]);
  expect(spec).toMatchObject({ tied: false, kvHeads: 2, headDim: 2, norm: { kind: 'rms' } });
  expect(spec.head.weight).toBe('lm_head.weight');
});

it('finds a tied matrix under either of its names', () => {
  const tied = { ...llama, tie_word_embeddings: true };
  expect(decoderSpec(tied).tokenEmbedding).toBe('model.embed_tokens.weight');
  const spec = decoderSpec(tied, ['model.norm.weight', 'lm_head.weight']);
  expect([spec.tokenEmbedding, spec.head.weight]).toEqual(['lm_head.weight', 'lm_head.weight']);
});

it('rotates by the base of either config layout', () => {
  const frequencies = (extra: object) => {
    const [first] = decoderSpec({ ...llama, head_dim: 4, ...extra } as never).blocks;
    return first!.rotary!.inverseFrequencies;
  };
  expect(frequencies({})[1]).toBeCloseTo(0.01, 7);
  expect(frequencies({ rope_theta: 100 })[1]).toBeCloseTo(0.1, 7);
  expect(frequencies({ rope_parameters: { rope_theta: 100, rope_type: 'default' } })[1]).toBeCloseTo(0.1, 7);
  expect(frequencies({ rope_scaling: { type: 'linear', factor: 4 } })[0]).toBeCloseTo(0.25, 7);
  expect(frequencies({ rope_scaling: { type: 'dynamic', factor: 4 } })).toEqual(frequencies({}));
});
