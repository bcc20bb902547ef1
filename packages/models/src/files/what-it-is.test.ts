// Directories that hold another thing than a model that can be read: each says what it is, and what to do.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { decoderSpec } from '../architectures/index.ts';
import { ModelError } from '../errors.ts';
import { loadCheckpoint } from './checkpoint.ts';
import { checkTensors } from './missing-tensors.ts';
import { remarksOn } from './remarks.ts';
import { encodeSafetensors, type WritableTensor } from './safetensors.ts';

const root = mkdtempSync(join(tmpdir(), 'what-it-is-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Files = Readonly<Record<string, string | Uint8Array>>;

function folder(files: Files): string {
  const path = mkdtempSync(join(root, 'model-'));
  for (const [name, data] of Object.entries(files)) writeFileSync(join(path, name), data);
  return path;
}

const config = { model_type: 'llama', vocab_size: 5, hidden_size: 4, intermediate_size: 4, num_hidden_layers: 1 };
const whole = { ...config, num_attention_heads: 2, max_position_embeddings: 8, tie_word_embeddings: false };
const configJson = JSON.stringify(whole);
const parameters = decoderSpec(whole).parameters;
const spec = { family: 'llama', parameters };

/** All tensors of that model but some, under other names, with others beside them. */
function weights(
  options: {
    readonly without?: RegExp;
    readonly named?: (name: string) => string;
    readonly beside?: Readonly<Record<string, WritableTensor>>;
  } = {},
): Uint8Array {
  const { without, named = (name) => name, beside = {} } = options;
  const kept = [...parameters].filter(([name]) => !without?.test(name));
  return encodeSafetensors(
    new Map<string, WritableTensor>([
      ...kept.map(([name, shape]): [string, WritableTensor] => [
        named(name),
        { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(name.length) },
      ]),
      ...Object.entries(beside),
    ]),
  );
}

async function refusal(path: string): Promise<{ readonly code: string; readonly message: string }> {
  try {
    const checkpoint = await loadCheckpoint(path);
    try {
      checkTensors(spec, checkpoint.tensors);
    } finally {
      checkpoint.close();
    }
  } catch (error) {
    if (error instanceof ModelError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: 'none', message: '' };
}

const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:abab\nsize 19658316\n';
const torchArchive = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(26), Buffer.from('archive/data.pkl')]);
const raw = (dtype: 'U8' | 'I32' | 'F8_E4M3', size: number, bytes: number): WritableTensor => ({
  dtype,
  shape: [size],
  bytes: new Uint8Array(size * bytes),
});

describe('is named, with what to do', () => {
  const model = { 'config.json': configJson };
  const full = { ...model, 'model.safetensors': weights() };
  const first = 'model-00001-of-00003.safetensors';
  test.each<[string, Files, string, string]>([
    [
      'weights that are a Git LFS pointer',
      { ...model, 'model.safetensors': pointer },
      'checkpoint_lfs_pointer',
      'git lfs pull',
    ],
    [
      'a tokenizer that is a Git LFS pointer',
      { ...full, 'tokenizer.json': pointer },
      'checkpoint_lfs_pointer',
      'tokenizer.json',
    ],
    ['a configuration that is a Git LFS pointer', { 'config.json': pointer }, 'checkpoint_lfs_pointer', 'config.json'],
    [
      'old weights that are a Git LFS pointer',
      { ...model, 'pytorch_model.bin': pointer },
      'checkpoint_lfs_pointer',
      '.bin',
    ],
    [
      'a web page',
      { ...model, 'model.safetensors': '<!DOCTYPE html><html>Sign in' },
      'checkpoint_web_page',
      'raw form',
    ],
    ['a packed tokenizer', { ...full, 'tokenizer.json': gzipSync('{}') }, 'checkpoint_archive', 'packed with gzip'],
    ['an archive of a model', { 'model.zip': 'PK\x03\x04rest' }, 'checkpoint_archive', 'Unpack it'],
    ['GGUF', { 'model-q4_k_m.gguf': 'GGUF\x03\0\0\0' }, 'checkpoint_gguf', 'FILE.gguf'],
    [
      'GGUF beside its configuration',
      { ...model, 'model.gguf': 'GGUF\x03\0\0\0' },
      'checkpoint_gguf',
      'a model in GGUF',
    ],
    [
      'weights of PyTorch by another name',
      { ...model, 'model.safetensors': torchArchive },
      'checkpoint_weights_pickled',
      'save_pretrained',
    ],
    [
      'a pickle by another name',
      { ...model, 'model.safetensors': Buffer.from('\x80\x02}q\0', 'latin1') },
      'checkpoint_weights_pickled',
      'run code',
    ],
    [
      'weights in the place of a tokenizer',
      { ...full, 'tokenizer.json': weights() },
      'checkpoint_foreign_file',
      'safetensors file',
    ],
    [
      'text of another encoding',
      { ...full, 'vocab.json': Buffer.from('\ufeff{}', 'utf16le') },
      'checkpoint_foreign_file',
      'UTF-16',
    ],
    [
      'one shard of three',
      { ...model, [first]: weights() },
      'checkpoint_shard_missing',
      'model-00002-of-00003.safetensors, model-00003',
    ],
    [
      'shards of two sets',
      { ...model, 'model-00001-of-00001.safetensors': weights(), 'old-00001-of-00001.safetensors': weights() },
      'checkpoint_shard_missing',
      'another set of shards',
    ],
    [
      'weights by another name',
      { ...model, 'weights.safetensors': weights() },
      'checkpoint_weights_missing',
      'call it model.safetensors',
    ],
    [
      'GPTQ',
      {
        'config.json': JSON.stringify({ ...whole, quantization_config: { quant_method: 'gptq', bits: 4 } }),
        'model.safetensors': weights({ beside: { 'model.layers.0.mlp.up_proj.qweight': raw('I32', 2, 4) } }),
      },
      'checkpoint_quantised',
      'quantised (gptq, 4 bits)',
    ],
    [
      'bitsandbytes',
      { ...model, 'model.safetensors': weights({ beside: { 'model.layers.9.mlp.up_proj.weight': raw('U8', 2, 1) } }) },
      'checkpoint_quantised',
      'of U8',
    ],
    [
      'fp8',
      {
        ...model,
        'model.safetensors': weights({ beside: { 'model.layers.9.mlp.up_proj.weight': raw('F8_E4M3', 2, 1) } }),
      },
      'checkpoint_quantised',
      'dequantize',
    ],
    [
      'a model of which only some names have what training put before them',
      { ...model, 'model.safetensors': weights({ named: (name) => (name.includes('mlp') ? `module.${name}` : name) }) },
      'checkpoint_wrapped',
      '"module.model.layers.0.mlp.',
    ],
    [
      'a model with its adapters',
      {
        ...model,
        'model.safetensors': weights({
          named: (name) => `base_model.model.${name.replace('up_proj', 'up_proj.base_layer')}`,
          beside: {
            'base_model.model.model.layers.0.mlp.up_proj.lora_A.weight': { shape: [1], data: Float32Array.of(1) },
          },
        }),
      },
      'checkpoint_wrapped',
      'merge adapters',
    ],
    [
      'a head that is not there',
      { ...model, 'model.safetensors': weights({ without: /^lm_head/ }) },
      'checkpoint_head_missing',
      'tie_word_embeddings',
    ],
    [
      'a model of another shape',
      { ...model, 'model.safetensors': weights({ without: /norm/ }) },
      'architecture_tensor_missing',
      'config.json',
    ],
  ])('%s', async (_, files, code, words) => {
    const said = await refusal(folder(files));
    expect(said.code).toBe(code);
    expect(said.message).toContain(words);
  });

  test('a file that is given as the directory', async () => {
    const path = folder({ 'model.gguf': 'GGUF\x03\0\0\0', 'notes.txt': 'mine' });
    expect((await refusal(join(path, 'model.gguf'))).code).toBe('checkpoint_gguf');
    expect((await refusal(join(path, 'notes.txt'))).code).toBe('checkpoint_not_a_directory');
  });
});

describe('is read, since it can mean only one thing', () => {
  const read = async (files: Files): Promise<ReadonlyMap<string, Float32Array>> => {
    const checkpoint = await loadCheckpoint(folder({ 'config.json': configJson, ...files }));
    checkTensors(spec, checkpoint.tensors);
    const found = new Map(checkpoint.tensors.names.map((name) => [name, checkpoint.tensors.read(name)]));
    checkpoint.close();
    return found;
  };

  test('shards without their index, all of them there', async () => {
    const expected = await read({ 'model.safetensors': weights() });
    const files = {
      'model-00001-of-00002.safetensors': weights({ without: /mlp/ }),
      'model-00002-of-00002.safetensors': weights({ without: /^(?!.*mlp)/ }),
    };
    expect(await read(files)).toEqual(expected);
    const twice = { ...files, 'model-00002-of-00002.safetensors': weights() };
    expect((await refusal(folder({ 'config.json': configJson, ...twice }))).code).toBe('checkpoint_shard_missing');
  });

  test.each(['_orig_mod.', 'module.', 'module._orig_mod.', 'base_model.model.'])(
    '%s before every name',
    async (prefix) => {
      const expected = await read({ 'model.safetensors': weights() });
      expect(await read({ 'model.safetensors': weights({ named: (name) => prefix + name }) })).toEqual(expected);
    },
  );

  test('a configuration that still says what the weights were', async () => {
    const said = JSON.stringify({
      ...whole,
      quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true },
    });
    expect((await read({ 'config.json': said, 'model.safetensors': weights() })).size).toBe(parameters.size);
  });

  test('weights whose size begins as a pickle does', async () => {
    const header = readFileSync(join(folder({ x: weights() }), 'x'));
    const size = Number(header.readBigUInt64LE());
    const toPickle = Math.ceil(size / 0x10000) * 0x10000 + 0x280;
    const exact = Buffer.concat([
      Buffer.alloc(8),
      header.subarray(8, 8 + size),
      Buffer.alloc(toPickle - size, 0x20),
      header.subarray(8 + size),
    ]);
    exact.writeBigUInt64LE(BigInt(toPickle));
    expect([...exact.subarray(0, 2)]).toEqual([0x80, 0x02]);
    expect((await read({ 'model.safetensors': exact })).size).toBe(parameters.size);
  });
});

test('what is not read, or otherwise than it stands there, is remarked on', async () => {
  const remarks = async (files: Files): Promise<readonly string[]> => {
    const checkpoint = await loadCheckpoint(folder({ 'config.json': configJson, ...files }));
    checkpoint.close();
    return remarksOn(decoderSpec(whole, checkpoint.tensors.names), checkpoint);
  };
  expect(await remarks({ 'model.safetensors': weights() })).toEqual([]);
  const extra = { shape: [1], data: Float32Array.of(1) };
  const beside = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [`model.layers.${n + 1}.more`, extra]));
  expect(await remarks({ 'model.safetensors': weights({ named: (name) => `module.${name}` }) })).toEqual([
    'every tensor is named behind "module.", and is read without that',
  ]);
  const vocab = '{"a":0,"b":1,"c":2,"d":3,"e":4}';
  expect(
    await remarks({
      'model.safetensors': weights({ beside: { ...beside, 'model.rotary_emb.inv_freq': extra } }),
      'vocab.json': vocab,
      'merges.txt': '',
      'added_tokens.json': '{"<|user|>":5}',
    }),
  ).toEqual([
    '7 tensors are not read, since they are no part of a llama model: model.layers.1.more, model.layers.2.more, model.layers.3.more, model.layers.4.more, model.layers.5.more and 2 more',
    'no embedding has a row for "<|user|>": texts with it are refused',
  ]);
});
