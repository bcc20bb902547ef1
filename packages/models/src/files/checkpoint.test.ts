// Checkpoint directories: what is refused and how, digests, shards, links, and writing whole or not at all.

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ModelError, type ModelErrorCode } from '../errors.ts';
import { loadCheckpoint } from './checkpoint.ts';
import { checkpointContents, writeCheckpoint } from './checkpoint-write.ts';
import { encodeSafetensors, openSafetensors, type WritableTensor } from './safetensors.ts';

const root = mkdtempSync(join(tmpdir(), 'checkpoint-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const tokenizerJson = fileURLToPath(new URL('../fixtures/tokenizers/byte-level.json', import.meta.url));
const storiesFolder = fileURLToPath(new URL('../../../../../shared/data/models/tinystories656k', import.meta.url));

let made = 0;
function folder(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const path = join(root, `model-${made++}`);
  mkdirSync(path);
  for (const [name, data] of Object.entries(files)) writeFileSync(join(path, name), data);
  return path;
}

const config = { model_type: 'gpt2', vocab_size: 420, n_layer: 1 };
const configText = JSON.stringify(config);
const tensors = new Map<string, WritableTensor>([
  ['wte.weight', { shape: [2, 3], data: Float32Array.of(1, -2, 0.5, 1e-8, 3, 70) }],
  ['ln.bias', { shape: [3], data: Float32Array.of(0.1, 0.2, 0.3) }],
]);
const weights = encodeSafetensors(tensors);

async function codeOf(action: Promise<unknown>): Promise<ModelErrorCode> {
  try {
    await action;
  } catch (error) {
    if (error instanceof ModelError) {
      expect([error.where, error.what, error.hint].every((field) => field.length > 0)).toBe(true);
      return error.code;
    }
    throw error;
  }
  throw new Error('nothing was refused');
}

const refusal = (files: Readonly<Record<string, string | Uint8Array>>): Promise<ModelErrorCode> =>
  codeOf(loadCheckpoint(folder(files)));

describe('opening', () => {
  test('gives config, tensors and digest; a tokenizer only where there is one', async () => {
    const path = folder({ 'config.json': configText, 'model.safetensors': weights });
    const checkpoint = await loadCheckpoint(path);
    expect(checkpoint.config).toMatchObject(config);
    expect(checkpoint.tensors.names).toEqual(['ln.bias', 'wte.weight']);
    expect(checkpoint.tensors.info('wte.weight').shape).toEqual([2, 3]);
    expect(checkpoint.tensors.read('wte.weight')[5]).toBe(70);
    expect(checkpoint.tensors.has('toString')).toBe(false);
    expect(() => checkpoint.tensors.read('h.0')).toThrow(/no tensor named "h.0"/);
    expect(checkpoint.tokenizer).toBeUndefined();
    expect(checkpoint.digest).toMatch(/^[0-9a-f]{64}$/);
    checkpoint.close();

    copyFileSync(tokenizerJson, join(path, 'tokenizer.json'));
    const withTokenizer = await loadCheckpoint(path);
    expect(withTokenizer.tokenizer?.vocabSize).toBe(420);
    expect(withTokenizer.weightsDigest).toBe(checkpoint.weightsDigest);
    expect(withTokenizer.digest).not.toBe(checkpoint.digest);
    withTokenizer.close();
  });

  test('a vocab.txt is part of the model where it is the tokenizer, not beside another', async () => {
    const words = '[UNK]\n[CLS]\n[SEP]\nrome\n';
    const alone = await loadCheckpoint(
      folder({ 'config.json': configText, 'model.safetensors': weights, 'vocab.txt': words }),
    );
    expect(alone.tokenizer?.encode('Rome', { specialTokens: true })).toEqual([1, 3, 2]);
    expect(alone.companionFiles).toEqual(['vocab.txt']);
    alone.close();
    const other = {
      'config.json': configText,
      'model.safetensors': weights,
      'tokenizer.json': readFileSync(tokenizerJson, 'utf8'),
    };
    const without = await loadCheckpoint(folder(other));
    const beside = await loadCheckpoint(folder({ ...other, 'vocab.txt': words }));
    expect(beside.digest).toBe(without.digest);
    expect(beside.tokenizer?.vocabSize).toBe(420);
    expect(beside.companionFiles).toContain('vocab.txt');
    without.close();
    beside.close();
  });

  test('what is not a model directory is refused with the reason', async () => {
    expect(await codeOf(loadCheckpoint(join(root, 'absent')))).toBe('checkpoint_not_a_directory');
    const file = join(folder({ 'model.safetensors': weights }), 'model.safetensors');
    expect(await codeOf(loadCheckpoint(file))).toBe('checkpoint_not_a_directory');
    expect(await refusal({})).toBe('checkpoint_config_missing');
    expect(await refusal({ 'model.safetensors': weights })).toBe('checkpoint_config_missing');
    for (const text of ['', '{', '[]', 'null', '{}', '{"model_type":7}', '{"model_type":""}']) {
      expect(await refusal({ 'config.json': text, 'model.safetensors': weights })).toBe('checkpoint_config_malformed');
    }
    expect(await refusal({ 'config.json': configText })).toBe('checkpoint_weights_missing');
    expect(await refusal({ 'config.json': configText, 'pytorch_model.bin': 'pickle' })).toBe(
      'checkpoint_weights_pickled',
    );
    expect(await refusal({ 'config.json': configText, 'model.safetensors': 'x' })).toBe('safetensors_too_short');
    expect(await refusal({ 'config.json': configText, 'model.safetensors': weights, 'tokenizer.json': '{' })).toBe(
      'tokenizer_malformed',
    );
  });
});

describe('shards', () => {
  const first = encodeSafetensors(new Map([['a', { shape: [1], data: Float32Array.of(1) }]]));
  const second = encodeSafetensors(new Map([['b', { shape: [1], data: Float32Array.of(2) }]]));
  const index = (map: unknown): string => JSON.stringify({ metadata: { total_size: 8 }, weight_map: map });
  const names = { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' };
  const whole = {
    'config.json': configText,
    'model.safetensors.index.json': index(names),
    [names.a]: first,
    [names.b]: second,
  };

  test('read as one set of tensors', async () => {
    const checkpoint = await loadCheckpoint(folder(whole));
    expect(checkpoint.tensors.names).toEqual(['a', 'b']);
    expect([checkpoint.tensors.read('a')[0], checkpoint.tensors.read('b')[0]]).toEqual([1, 2]);
    checkpoint.close();
  });
  test('a shard that is absent, or lacks its tensor', async () => {
    const { [names.b]: _, ...short } = whole;
    expect(await refusal(short)).toBe('checkpoint_shard_missing');
    expect(await refusal({ ...whole, [names.b]: first })).toBe('checkpoint_shard_missing');
  });
  test('an index that is none, or leads out of the directory', async () => {
    for (const text of [
      '{',
      '[]',
      '{}',
      index({}),
      index({ a: 1 }),
      index({ a: '../x.safetensors' }),
      index({ a: 'x.bin' }),
    ]) {
      expect(await refusal({ ...whole, 'model.safetensors.index.json': text })).toBe('checkpoint_index_malformed');
    }
  });
});

describe('what is no regular file', () => {
  test('is refused, whichever file it would be: a pipe keeps whoever reads it waiting', async () => {
    for (const name of [
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
      'special_tokens_map.json',
      'generation_config.json',
    ]) {
      for (const make of [mkdirSync, (path: string) => execFileSync('mkfifo', [path])]) {
        const path = folder({ 'config.json': configText, 'model.safetensors': weights });
        rmSync(join(path, name), { force: true });
        make(join(path, name));
        expect([name, await codeOf(loadCheckpoint(path))]).toEqual([name, 'checkpoint_not_a_file']);
      }
    }
  });
});

describe('links', () => {
  test('a link that leads out of the directory is refused, whichever file it is', async () => {
    const outside = folder({ 'config.json': configText, 'model.safetensors': weights, 'tokenizer.json': '{}' });
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'vocab.json', 'generation_config.json']) {
      const path = folder({ 'config.json': configText, 'model.safetensors': weights });
      rmSync(join(path, name), { force: true });
      symlinkSync(join(outside, existsSync(join(outside, name)) ? name : 'config.json'), join(path, name));
      expect(await codeOf(loadCheckpoint(path))).toBe('checkpoint_link_escapes');
    }
  });
  test('a link inside the directory, and a directory that is itself a link, are fine', async () => {
    const path = folder({ 'config.json': configText, 'weights.safetensors': weights });
    symlinkSync('weights.safetensors', join(path, 'model.safetensors'));
    const link = join(root, 'link');
    symlinkSync(path, link);
    const checkpoint = await loadCheckpoint(link);
    expect(checkpoint.tensors.names.length).toBe(2);
    checkpoint.close();
  });
  test('a snapshot of the Hugging Face cache, which is links into its sibling blobs, is fine', async () => {
    const cache = folder();
    mkdirSync(join(cache, 'blobs'));
    mkdirSync(join(cache, 'snapshots', 'abc'), { recursive: true });
    for (const [name, data] of [
      ['config.json', configText],
      ['model.safetensors', weights],
    ] as const) {
      writeFileSync(join(cache, 'blobs', name), data);
      symlinkSync(join('..', '..', 'blobs', name), join(cache, 'snapshots', 'abc', name));
    }
    const checkpoint = await loadCheckpoint(join(cache, 'snapshots', 'abc'));
    expect(checkpoint.tensors.names.length).toBe(2);
    checkpoint.close();
  });
});

describe('the digest', () => {
  const digestOf = async (files: Readonly<Record<string, string | Uint8Array>>): Promise<string> => {
    const checkpoint = await loadCheckpoint(folder(files));
    checkpoint.close();
    return checkpoint.digest;
  };
  const files = { 'config.json': configText, 'model.safetensors': weights };

  test('is the same for the same contents elsewhere, and for a config with its keys in another order', async () => {
    const digest = await digestOf(files);
    expect(await digestOf(files)).toBe(digest);
    const { vocab_size, ...rest } = config;
    const reordered = JSON.stringify({ vocab_size, ...rest }, null, 4);
    expect(await digestOf({ ...files, 'config.json': reordered })).toBe(digest);
    expect(await digestOf({ ...files, 'README.md': 'A model.' })).toBe(digest);
  });
  test('changes with one bit of the weights, one key of the config, one byte of the tokenizer', async () => {
    const flipped = Uint8Array.from(weights);
    flipped[flipped.length - 1]! ^= 1;
    const tokenizer = readFileSync(tokenizerJson, 'utf8');
    const digests = await Promise.all([
      digestOf(files),
      digestOf({ ...files, 'model.safetensors': flipped }),
      digestOf({ ...files, 'config.json': JSON.stringify({ ...config, n_layer: 2 }) }),
      digestOf({ ...files, 'tokenizer.json': tokenizer }),
      digestOf({ ...files, 'tokenizer.json': `${tokenizer} ` }),
    ]);
    expect(new Set(digests).size).toBe(5);
  });
});

describe('writing', () => {
  const source = folder({ 'config.json': configText, 'model.safetensors': weights, 'special_tokens_map.json': '{}' });
  copyFileSync(tokenizerJson, join(source, 'tokenizer.json'));

  test('a copy has the same tensors bit for bit, the tokenizer and the dtype in its config', async () => {
    const original = await loadCheckpoint(source);
    const target = join(root, 'nested', 'copy');
    await writeCheckpoint(target, checkpointContents(original, new Map()));
    const copy = await loadCheckpoint(target);
    for (const name of original.tensors.names) expect(copy.tensors.read(name)).toEqual(original.tensors.read(name));
    expect(copy.config).toEqual({ ...config, torch_dtype: 'float32' });
    expect(copy.companionFiles).toEqual(original.companionFiles);
    expect(readFileSync(join(target, 'tokenizer.json')).equals(readFileSync(tokenizerJson))).toBe(true);
    expect(openSafetensors(join(target, 'model.safetensors')).metadata.get('format')).toBe('pt');
    original.close();
    copy.close();
  });

  test('a copy carries what accompanies a model, and neither other weights nor what lies elsewhere or is large', async () => {
    const outside = folder({ 'secret.json': '{}' });
    const carried = {
      'README.md': '# A model',
      LICENSE: 'MIT',
      'NOTICE.txt': 'Whose it is',
      'chat_template.jinja': '{{ messages }}',
      'chat_template.json': '{"chat_template":""}',
      'additional_chat_templates/rag.jinja': '{{ documents }}',
      'preprocessor_config.json': '{}',
      'generation_config.json': '{"eos_token_id":[1,2]}',
      'spiece.model': 'pieces',
      'errata.json': '{"corpus":"corpus.txt","artefacts":{"demonstrations":"demonstrations.jsonl"}}',
      'corpus.txt': 'Once upon a time',
      'demonstrations.jsonl': '{}',
    };
    const left = {
      'others.jsonl': '{}',
      'pytorch_model.bin': 'pickle',
      'pytorch_model.bin.index.json': '{}',
      'consolidated.safetensors': weights,
      '.gitattributes': '*.bin filter=lfs',
      'modeling.py': 'import os',
      'card.md': 'version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 7\n',
      'vast.txt': new Uint8Array((16 << 20) + 1).fill(0x20),
    };
    const path = folder({ 'config.json': configText, 'model.safetensors': weights });
    mkdirSync(join(path, 'additional_chat_templates'));
    for (const [name, data] of Object.entries({ ...carried, ...left })) writeFileSync(join(path, name), data);
    symlinkSync(join(outside, 'secret.json'), join(path, 'secret.json'));
    mkdirSync(join(path, 'folder.json'));
    const original = await loadCheckpoint(path);
    const target = join(root, 'accompanied');
    await writeCheckpoint(target, checkpointContents(original));
    original.close();
    const copied = readdirSync(target, { recursive: true, encoding: 'utf8' });
    expect(copied.sort()).toEqual(
      ['config.json', 'model.safetensors', 'additional_chat_templates', ...Object.keys(carried)].sort(),
    );
    for (const [name, data] of Object.entries(carried)) expect(readFileSync(join(target, name), 'utf8')).toBe(data);
  });

  test.each([
    '{"corpus":"texts/corpus.txt"}',
    '{"artefacts":{"demonstrations":"texts/corpus.txt"}}',
    '{"artefacts":{"demonstrations":"absent.jsonl"}}',
  ])('settings that name a file which is not carried are left with it: %s', async (settings) => {
    const path = folder({ 'config.json': configText, 'model.safetensors': weights, 'errata.json': settings });
    mkdirSync(join(path, 'texts'));
    writeFileSync(join(path, 'texts', 'corpus.txt'), 'Once');
    const checkpoint = await loadCheckpoint(path);
    checkpoint.close();
    expect(checkpoint.companionFiles).toEqual([]);
  });

  test('replaced tensors are replaced, others are not; writing twice gives the same bytes', async () => {
    const original = await loadCheckpoint(source);
    const bias = Float32Array.of(7, 8, 9);
    const targets = [join(root, 'edited-1'), join(root, 'edited-2')] as const;
    for (const target of targets)
      await writeCheckpoint(target, checkpointContents(original, new Map([['ln.bias', bias]])));
    const [one, two] = await Promise.all(targets.map(loadCheckpoint));
    expect(one!.tensors.read('ln.bias')).toEqual(bias);
    expect(one!.tensors.read('wte.weight')).toEqual(original.tensors.read('wte.weight'));
    expect(two!.digest).toBe(one!.digest);
    for (const checkpoint of [original, one!, two!]) checkpoint.close();
  });

  test('float16 rounds, says so in the config in the spelling that was there, and keeps other dtypes', async () => {
    const target = join(root, 'half');
    const mixed = new Map([...tensors, ['mask', { dtype: 'BOOL', shape: [2], bytes: Uint8Array.of(1, 0) }]] as [
      string,
      WritableTensor,
    ][]);
    await writeCheckpoint(target, { config: { ...config, dtype: 'bfloat16' }, tensors: mixed }, { dtype: 'float16' });
    const half = await loadCheckpoint(target);
    expect(half.config).toEqual({ ...config, dtype: 'float16' });
    expect(half.tensors.info('wte.weight').dtype).toBe('F16');
    expect(half.tensors.read('ln.bias')[0]).toBeCloseTo(0.1, 4);
    expect(half.tensors.readRaw('mask').bytes).toEqual(Uint8Array.of(1, 0));
    const again = join(root, 'half-again');
    await writeCheckpoint(again, checkpointContents(half, new Map()));
    expect(openSafetensors(join(again, 'model.safetensors')).tensors.get('mask')!.dtype).toBe('BOOL');
    half.close();
  });

  test('a tensor that the checkpoint does not have cannot be replaced', async () => {
    const original = await loadCheckpoint(source);
    expect(() => checkpointContents(original, new Map([['no', new Float32Array(1)]]))).toThrow(/no tensor named "no"/);
    original.close();
  });

  test('a directory that is not empty is left as it is, unless it is to be overwritten', async () => {
    const target = folder({ 'notes.txt': 'mine' });
    const contents = { config, tensors };
    expect(await codeOf(writeCheckpoint(target, contents))).toBe('checkpoint_target_not_empty');
    expect(readdirSync(target)).toEqual(['notes.txt']);
    await writeCheckpoint(target, contents, { overwrite: true });
    expect(readdirSync(target).sort()).toEqual(['config.json', 'model.safetensors']);
    const file = join(folder({ file: '' }), 'file');
    expect(await codeOf(writeCheckpoint(file, contents))).toBe('checkpoint_target_not_empty');
    const empty = folder();
    await writeCheckpoint(empty, contents);
    expect(readdirSync(empty).sort()).toEqual(['config.json', 'model.safetensors']);
  });

  test('a failure leaves nothing behind: neither target nor parts beside it', async () => {
    const parent = folder();
    const bad = { config, tensors: new Map([['w', { shape: [2], data: Float32Array.of(1, NaN) }]]) };
    expect(await codeOf(writeCheckpoint(join(parent, 'out'), bad))).toBe('safetensors_non_finite');
    expect(readdirSync(parent)).toEqual([]);
    const kept = folder({ 'config.json': configText });
    expect(await codeOf(writeCheckpoint(kept, bad, { overwrite: true }))).toBe('safetensors_non_finite');
    expect(readdirSync(kept)).toEqual(['config.json']);
    const below = join(folder({ file: '' }), 'file', 'out');
    expect(await codeOf(writeCheckpoint(below, { config, tensors }))).toBe('checkpoint_target_unwritable');
  });
});

test.skipIf(!existsSync(storiesFolder))(
  'tinystories656k (skipped where ../shared/data is absent): loads, and its copy has its weights bit for bit',
  async () => {
    const original = await loadCheckpoint(storiesFolder);
    expect(original.config.model_type).toBe('llama');
    const count = original.tensors.names
      .map((name) => original.tensors.info(name).shape.reduce((product, dimension) => product * dimension, 1))
      .reduce((sum, elements) => sum + elements, 0);
    expect(count).toBe(656_000);
    const target = join(root, 'stories');
    await writeCheckpoint(target, checkpointContents(original, new Map()));
    const copy = await loadCheckpoint(target);
    for (const name of original.tensors.names) {
      // Buffers compare at once; toEqual would walk every element.
      expect(Buffer.from(copy.tensors.readRaw(name).bytes).equals(original.tensors.readRaw(name).bytes)).toBe(true);
    }
    expect(copy.tokenizer?.encode('Once upon a time')).toEqual(original.tokenizer?.encode('Once upon a time'));
    expect(copy.companionFiles).toContain('generation_config.json');
    original.close();
    copy.close();
  },
);
