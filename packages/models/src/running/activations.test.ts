// Activations of long sequences, which run block of queries by block: what they are without blocks.

import { describe, expect, it } from 'vitest';
import { decoderSpec } from '../architectures/index.ts';
import { randomArray, worstDifference } from '../tiny-models.fixture.ts';
import { captureName } from './graphs.ts';
import { type Model, modelFromWeights } from './model.ts';

const [vocab, context] = [50, 515];

function randomModel(config: Parameters<typeof decoderSpec>[0]): Model {
  const spec = decoderSpec(config, new Set());
  const weights = [...spec.parameters].map(([name, dims], seed) => {
    const size = dims.reduce((a, b) => a * b, 1);
    return [name, randomArray(size, seed, 0.5)] as const;
  });
  return modelFromWeights(spec, new Map(weights));
}

const learned = {
  model_type: 'gpt2',
  vocab_size: vocab,
  n_positions: context,
  n_embd: 16,
  n_layer: 2,
  n_head: 2,
  n_inner: 24,
};

const windowed = {
  model_type: 'mistral',
  vocab_size: vocab,
  max_position_embeddings: context,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  sliding_window: 150,
};

describe.each([
  ['learned positions, as many as are read', learned],
  ['windows narrower than the sequence and wider than a block', windowed],
])('a long sequence of a model with %s', (_, config) => {
  it('has the activations that it has without blocks', async () => {
    const model = randomModel(config);
    const view = model.view();
    const sequences = [context, 300].map((length, seed) =>
      Array.from(randomArray(length, seed, 1), (x) => Math.floor(((x + 1) / 2) * vocab)),
    );
    const last = { site: 'logits', layer: 1 } as const;
    const logits = (await view.activations(sequences, [last], 'last')).get(captureName(last))!;
    for (const [i, plain] of (await view.nextLogits(sequences)).entries())
      expect(worstDifference(logits.subarray(i * vocab, (i + 1) * vocab), plain)).toBeLessThan(1e-5);

    const keys = { site: 'mlp_key', layer: 1 } as const;
    const of = async (ids: readonly number[]) => (await view.activations([ids], [keys], 'all')).get(captureName(keys))!;
    const beginning = await of(sequences[0]!.slice(0, 200));
    expect(worstDifference((await of(sequences[0]!)).subarray(0, beginning.length), beginning)).toBeLessThan(1e-5);
    await model.release();
  });
});
