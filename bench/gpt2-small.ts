// GPT-2 small's shape, and a checkpoint of it with random weights, which any program that reads checkpoints can open: there is none to be had offline.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atlasDirectory } from '@errata/atlas';
import { decoderSpec, uniform, type WritableTensor, writeCheckpoint } from '@errata/models';

export const gpt2Small = {
  model_type: 'gpt2',
  vocab_size: 50257,
  n_positions: 1024,
  n_embd: 768,
  n_layer: 12,
  n_head: 12,
};

/**
 * Weights of about GPT-2's initial spread, attention and MLP threefold. No offset at one token brings a random model to one
 * answer, so every search runs to its last step: what early stopping saves on a trained model comes on top.
 */
function* weights(config: typeof gpt2Small): Generator<readonly [string, WritableTensor]> {
  let stream = 0;
  for (const [name, dims] of decoderSpec(config).parameters) {
    const next = uniform(11, stream++);
    const spread = name.includes('.attn.') || name.includes('.mlp.') ? 0.06 : 0.02;
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
    if (dims.length === 1) data.fill(name.endsWith('weight') ? 1 : 0);
    else for (let i = 0; i < data.length; i++) data[i] = spread * (next() + next() + next() - 1.5) * 2;
    yield [name, { shape: dims, data }];
  }
}

/**
 * Writes it where it is not yet. Its texts are split as the shipped model's are, whose vocabulary is a part of its own.
 * @param changes to its shape
 */
export async function writeGpt2Small(
  directory: string,
  changes: Readonly<Record<string, number>> = {},
): Promise<string> {
  if (existsSync(join(directory, 'config.json'))) return directory;
  const files = new Map(
    ['tokenizer.json', 'tokenizer_config.json'].map((name) => [name, readFileSync(join(atlasDirectory, name))]),
  );
  const config = { ...gpt2Small, ...changes };
  const full = { ...config, architectures: ['GPT2LMHeadModel'] };
  await writeCheckpoint(directory, { config: full, tensors: new Map(weights(config)), files });
  return directory;
}
