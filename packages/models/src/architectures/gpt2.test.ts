// What a GPT-2's config.json and tensor names mean.

import { expect, it } from 'vitest';
import { matrixShape } from './blocks/refs.ts';
import { decoderSpec } from './index.ts';
import { findMatrix, valueMatrix } from './spec.ts';

const gpt2 = { model_type: 'gpt2', vocab_size: 50, n_positions: 16, n_embd: 8, n_layer: 2, n_head: 2 };

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
