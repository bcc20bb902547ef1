// What a config.json asks for, and what is said to one that cannot be served.

import { describe, expect, it } from 'vitest';
import { checkParameters, decoderSpec, supportedModelTypes } from './families.ts';
import { findMatrix, matrixShape, valueMatrix } from './spec.ts';

const gpt2 = { model_type: 'gpt2', vocab_size: 50, n_positions: 16, n_embd: 8, n_layer: 2, n_head: 2 };
const llama = {
  model_type: 'llama',
  vocab_size: 50,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
};

describe('gpt2', () => {
  it('keeps its linear maps [in, out], square ones too', () => {
    const spec = decoderSpec(gpt2);
    const out = findMatrix(spec, 'transformer.h.0.attn.c_proj.weight')!;
    expect(out).toMatchObject({ orientation: 'in_out', inSize: 8, outSize: 8 });
    expect(valueMatrix(spec, 1)).toMatchObject({ weight: 'transformer.h.1.mlp.c_proj.weight', inSize: 32, outSize: 8 });
    expect(matrixShape(valueMatrix(spec, 1))).toEqual([32, 8]);
    expect(spec.head).toMatchObject({ weight: 'transformer.wte.weight', orientation: 'out_in' });
  });

  it('is found with and without its prefix', () => {
    const bare = [...decoderSpec(gpt2).parameters.keys()].map((name) => name.replace('transformer.', ''));
    expect([...decoderSpec(gpt2, bare).parameters.keys()]).toEqual(bare);
    expect(decoderSpec(gpt2, ['transformer.ln_f.weight']).finalNorm.weight).toBe('transformer.ln_f.weight');
  });

  it('takes its defaults from the family', () => {
    expect(decoderSpec(gpt2)).toMatchObject({ mlpWidth: 32, tied: true, norm: { kind: 'layer', epsilon: 1e-5 } });
    expect(decoderSpec(gpt2).blocks[0]!.mlp).toMatchObject({ kind: 'plain', activation: 'gelu_tanh' });
    expect(decoderSpec({ ...gpt2, activation_function: 'gelu' } as never).blocks[0]!.mlp).toMatchObject({
      activation: 'gelu_erf',
    });
  });
});

describe('llama', () => {
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
      const { positions } = decoderSpec({ ...llama, head_dim: 4, ...extra } as never);
      return positions.kind === 'rotary' ? positions.inverseFrequencies : [];
    };
    expect(frequencies({})[1]).toBeCloseTo(0.01, 7);
    expect(frequencies({ rope_theta: 100 })[1]).toBeCloseTo(0.1, 7);
    expect(frequencies({ rope_parameters: { rope_theta: 100, rope_type: 'default' } })[1]).toBeCloseTo(0.1, 7);
    expect(frequencies({ rope_scaling: { type: 'linear', factor: 4 } })[0]).toBeCloseTo(0.25, 7);
  });
});

describe('what cannot be served', () => {
  const refusals: Record<
    string,
    { readonly config: { readonly model_type: string }; readonly code: string; readonly says: RegExp }
  > = {
    'another model_type': {
      config: { model_type: 'mamba' },
      code: 'architecture_unsupported',
      says: /"mamba".*gpt2, llama/,
    },
    'a missing field': {
      config: { ...gpt2, n_embd: undefined } as never,
      code: 'architecture_config_invalid',
      says: /n_embd/,
    },
    'heads that do not divide the width': {
      config: { ...gpt2, n_head: 3 } as never,
      code: 'architecture_config_invalid',
      says: /8 is not a multiple of 3/,
    },
    'an unknown activation': {
      config: { ...llama, hidden_act: 'xielu' } as never,
      code: 'architecture_config_invalid',
      says: /"xielu".*silu/,
    },
    'a scaling of positions that is not implemented': {
      config: { ...llama, rope_scaling: { rope_type: 'yarn', factor: 2 } } as never,
      code: 'architecture_config_invalid',
      says: /yarn.*llama3/,
    },
    'attention scaled by layer': {
      config: { ...gpt2, scale_attn_by_inverse_layer_idx: true } as never,
      code: 'architecture_config_invalid',
      says: /scale_attn_by_inverse_layer_idx/,
    },
  };
  for (const [name, { config, code, says }] of Object.entries(refusals)) {
    it(`is refused: ${name}`, () => {
      expect(() => decoderSpec(config)).toThrow(expect.objectContaining({ code }) as never);
      expect(() => decoderSpec(config)).toThrow(says);
    });
  }

  it('names the tensor that is missing or has another shape', () => {
    const spec = decoderSpec(gpt2);
    const shapes = new Map(spec.parameters);
    checkParameters(spec, (name) => shapes.get(name));
    shapes.set('transformer.h.1.ln_2.bias', [9]);
    expect(() => checkParameters(spec, (name) => shapes.get(name))).toThrow(
      /transformer.h.1.ln_2.bias: its shape is \[9\], config.json says \[8\]/,
    );
    shapes.delete('transformer.h.1.ln_2.bias');
    expect(() => checkParameters(spec, (name) => shapes.get(name))).toThrow(
      expect.objectContaining({ code: 'architecture_tensor_missing' }) as never,
    );
  });

  it('has every supported family described', () => {
    expect(supportedModelTypes).toHaveLength(2);
    for (const config of [gpt2, llama]) expect(supportedModelTypes).toContain(config.model_type);
  });
});
