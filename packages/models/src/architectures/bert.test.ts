// What the config.json and tensor names of BERT and its kin mean.

import { describe, expect, it } from 'vitest';
import { encoderSpec } from './index.ts';

const bert = {
  model_type: 'bert',
  vocab_size: 50,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
};

it('is found with and without its prefix', () => {
  const bare = [...encoderSpec(bert).parameters.keys()].map((name) => name.replace('bert.', ''));
  expect(bare[0]).toBe('embeddings.word_embeddings.weight');
  expect([...encoderSpec(bert, bare).parameters.keys()]).toEqual(bare);
});

it('finds the norms of the oldest files, which call their parts gamma and beta', () => {
  const usual = [...encoderSpec(bert).parameters.keys()];
  const old = usual.map((name) =>
    name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta'),
  );
  expect(old).not.toEqual(usual);
  expect([...encoderSpec(bert, old).parameters.keys()]).toEqual(old);
});

it('counts the positions of RoBERTa from behind its padding, so that fewer texts fit', () => {
  const roberta = { ...bert, model_type: 'roberta', max_position_embeddings: 514, pad_token_id: 1 };
  expect(encoderSpec(roberta)).toMatchObject({ context: 512, positions: { rows: 514, first: 2, skipped: 1 } });
  expect(encoderSpec(bert)).toMatchObject({ context: 512, positions: { rows: 512, first: 0, skipped: null } });
});

describe('what cannot be served', () => {
  const refusals: Record<string, { readonly config: object; readonly code: string; readonly says: RegExp }> = {
    'a decoder': {
      config: { model_type: 'gpt2' },
      code: 'architecture_unsupported',
      says: /"gpt2", a decoder, where an encoder is needed.*bert/,
    },
    'positions that enter otherwise': {
      config: { ...bert, position_embedding_type: 'relative_key' },
      code: 'architecture_config_invalid',
      says: /position_embedding_type/,
    },
    'a BERT that attends to what came before only': {
      config: { ...bert, is_decoder: true },
      code: 'architecture_config_invalid',
      says: /is_decoder/,
    },
    'a table of positions without room': {
      config: { ...bert, model_type: 'roberta', max_position_embeddings: 2 },
      code: 'architecture_config_invalid',
      says: /2 positions leave no room/,
    },
  };
  for (const [name, { config, code, says }] of Object.entries(refusals)) {
    it(`is refused: ${name}`, () => {
      expect(() => encoderSpec(config as never)).toThrow(expect.objectContaining({ code }) as never);
      expect(() => encoderSpec(config as never)).toThrow(says);
    });
  }
});
