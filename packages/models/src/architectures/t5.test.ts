// What the config.json of T5 and BART means.

import { describe, expect, it } from 'vitest';
import { encoderDecoderSpec } from './index.ts';

const t5 = { model_type: 't5', vocab_size: 50, d_model: 16, d_kv: 3, d_ff: 12, num_layers: 2, num_heads: 4 };
const bart = {
  model_type: 'bart',
  vocab_size: 50,
  d_model: 16,
  encoder_layers: 1,
  decoder_layers: 2,
  encoder_attention_heads: 4,
  decoder_attention_heads: 2,
  encoder_ffn_dim: 12,
  decoder_ffn_dim: 20,
};

it('takes its defaults from the family', () => {
  expect(encoderDecoderSpec(t5)).toMatchObject({ tied: true, headScale: 0.25, firstToken: 0, head: { outSize: 50 } });
  expect(encoderDecoderSpec(t5).decoder).toMatchObject({ layers: 2, headDim: 3, scoreScale: 1 });
  expect(encoderDecoderSpec(bart)).toMatchObject({ tied: true, headScale: 1, firstToken: 2, logitsBias: null });
});

it('tells T5 1.1 by its feed-forward and its head', () => {
  const later = { ...t5, feed_forward_proj: 'gated-gelu', tie_word_embeddings: false, num_decoder_layers: 1 };
  const spec = encoderDecoderSpec(later);
  expect(spec).toMatchObject({ tied: false, headScale: 1, head: { weight: 'lm_head.weight' } });
  expect(spec.decoder.blocks.length).toBe(1);
  expect(spec.encoder.blocks[0]!.mlp).toMatchObject({ kind: 'gated', activation: 'gelu_tanh' });
  expect(encoderDecoderSpec(t5).encoder.blocks[0]!.mlp).toMatchObject({ kind: 'plain', activation: 'relu' });
});

it('reads BART with and without its prefix, and the bias of its logits where it is stored', () => {
  const bare = [...encoderDecoderSpec(bart).parameters.keys()].map((name) => name.replace('model.', ''));
  expect(bare[0]).toBe('shared.weight');
  expect([...encoderDecoderSpec(bart, bare).parameters.keys()]).toEqual(bare);
  const biased = encoderDecoderSpec(bart, [...bare, 'final_logits_bias']);
  expect(biased.parameters.get('final_logits_bias')).toEqual([1, 50]);
});

describe('what cannot be served', () => {
  const refusals: Record<string, { readonly config: object; readonly code: string; readonly says: RegExp }> = {
    'a decoder': {
      config: { model_type: 'llama' },
      code: 'architecture_unsupported',
      says: /"llama", a decoder, where an encoder-decoder is needed.*t5/,
    },
    'a feed-forward that is no function': {
      config: { ...t5, feed_forward_proj: 'doubly-gated-gelu' },
      code: 'architecture_config_invalid',
      says: /"doubly-gated-gelu" is neither a function nor gated-FUNCTION/,
    },
    'heads that do not divide the width': {
      config: { ...bart, decoder_attention_heads: 3 },
      code: 'architecture_config_invalid',
      says: /d_model over decoder_attention_heads: 16 is not a multiple of 3/,
    },
  };
  for (const [name, { config, code, says }] of Object.entries(refusals)) {
    it(`is refused: ${name}`, () => {
      expect(() => encoderDecoderSpec(config as never)).toThrow(expect.objectContaining({ code }) as never);
      expect(() => encoderDecoderSpec(config as never)).toThrow(says);
    });
  }
});
