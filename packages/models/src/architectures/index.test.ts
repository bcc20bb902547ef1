// What a config.json asks for, and what is said to one that cannot be served.

import { describe, expect, it } from 'vitest';
import { checkParameters, decoderSpec } from './index.ts';

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

describe('what cannot be served', () => {
  const refusals: Record<
    string,
    { readonly config: { readonly model_type: string }; readonly code: string; readonly says: RegExp }
  > = {
    'another model_type': {
      config: { model_type: 'mamba' },
      code: 'architecture_unsupported',
      says: /"mamba".*gpt2.*llama/,
    },
    'an encoder, which continues nothing': {
      config: { model_type: 'bert' },
      code: 'architecture_unsupported',
      says: /"bert", an encoder, where a decoder is needed. Encoders alone are not edited and served; supported are.*gpt2.*t5/,
    },
    'what every object has': {
      config: { model_type: 'constructor' },
      code: 'architecture_unsupported',
      says: /"constructor"/,
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
      config: { ...llama, rope_scaling: { rope_type: 'xpos', factor: 2 } } as never,
      code: 'architecture_config_invalid',
      says: /xpos.*llama3/,
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
});
