// GGUF files against the gguf package, transformers, tokenizers and sentencepiece; and files that are cut short or hostile.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { ModelError } from '../../errors.ts';
import { endIds } from '../../files/end-ids.ts';
import { openSafetensors } from '../../files/safetensors.ts';
import { openModel } from '../../running/model.ts';
import { uniform } from '../../running/sampling.ts';
import { loadChatTemplate } from '../../text/load-chat-template.ts';
import { tokenizerFromFiles } from '../../text/load-tokenizer.ts';
import { fixturePath, worstDifference } from '../../tiny-models.fixture.ts';
import { openModelSource } from '../index.ts';
import { blockFormats } from './blocks.ts';
import { openGguf } from './header.ts';
import { metadataOf } from './metadata.ts';
import { tokenizerFiles } from './tokenizer.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-gguf-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fixture = (name: string) => join(fixturePath('gguf'), name);
const expected = JSON.parse(readFileSync(fixture('expected.json'), 'utf8')) as {
  readonly vocabularies: {
    readonly texts: readonly string[];
    readonly ids: Readonly<Record<string, readonly (readonly number[])[]>>;
  };
  readonly models: {
    readonly sequences: readonly (readonly number[])[];
    readonly logits: Readonly<Record<string, readonly (readonly number[])[]>>;
  };
};

describe('blocks', () => {
  const file = openSafetensors(fixture('blocks.safetensors'));
  afterAll(() => file.close());

  it.each(Object.entries(blockFormats).map(([type, { name }]) => [name, type] as const))(
    'of %s are the float32 numbers that the gguf package makes of them, to the bit',
    (_, type) => {
      const values = file.read(`${type}.values`);
      const out = new Float32Array(values.length);
      blockFormats[Number(type)]!.decode(new Uint8Array(file.readRaw(`${type}.bytes`).bytes), out);
      expect(new Uint32Array(out.buffer)).toEqual(new Uint32Array(values.buffer));
    },
  );
});

describe('models', () => {
  const logSoftmax = (logits: ArrayLike<number>): Float64Array => {
    const values = Float64Array.from(logits);
    const most = Math.max(...values);
    const total = Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0)) + most;
    return values.map((value) => value - total);
  };

  it.each(Object.keys(expected.models.logits))('%s give the log-probabilities of transformers', async (name) => {
    const { checkpoint, origin } = await openModelSource(fixture(`${name}.gguf`));
    const model = openModel(checkpoint);
    expect(origin).toEqual([{ reference: fixture(`${name}.gguf`), format: 'gguf' }]);
    for (const [i, ids] of expected.models.sequences.entries()) {
      const [logits] = await model.view().nextLogits([ids]);
      const wanted = expected.models.logits[name]![i]!;
      expect(worstDifference(logSoftmax(logits!), logSoftmax(wanted))).toBeLessThan(1e-4);
    }
    await model.release();
    checkpoint.close();
  });

  it('say what config.json would, down to the scaling of rotary positions', async () => {
    const { checkpoint } = await openModelSource(fixture('llama3-rope.gguf'));
    expect(checkpoint.config).toMatchObject({
      model_type: 'llama',
      rms_norm_eps: 1e-6,
      rope_theta: 500_000,
      tie_word_embeddings: true,
      rope_scaling: { rope_type: 'llama3', factor: 8, original_max_position_embeddings: 8192 },
    });
    checkpoint.close();
  });

  it('bring their tokenizer, their chat template and all tokens that end a text', async () => {
    const { checkpoint } = await openModelSource(fixture('qwen2.gguf'));
    const { tokenizer } = checkpoint;
    expect(tokenizer?.specialTokens.get('<|im_end|>')).toBe(2);
    expect(tokenizer?.prefixIds).toEqual([]);
    expect(endIds(checkpoint)).toEqual([0, 2]);
    const template = loadChatTemplate(checkpoint);
    expect(template?.render({ messages: [{ role: 'user', content: 'Hi' }] })).toBe('Hi<|endoftext|>');
    checkpoint.close();
    const llama = await openModelSource(fixture('llama.gguf'));
    expect(llama.checkpoint.tokenizer?.prefixIds).toEqual([1]);
    llama.checkpoint.close();
  });
});

describe('vocabularies', () => {
  it.each(Object.keys(expected.vocabularies.ids))('of %s encode as the reference does', (name) => {
    const file = openGguf(fixture(`vocabulary-${name}.gguf`));
    const files = tokenizerFiles(file.where, 'llama', metadataOf(file))!;
    file.close();
    const texts: Readonly<Record<string, string>> = {
      'tokenizer.json': JSON.stringify(files.tokenizer),
      'tokenizer_config.json': JSON.stringify(files.config),
    };
    const tokenizer = tokenizerFromFiles((file) => texts[file], file.where);
    const wrong = expected.vocabularies.texts.filter(
      (text, i) => tokenizer.encode(text).join() !== expected.vocabularies.ids[name]![i]!.join(),
    );
    expect(wrong).toEqual([]);
    expect(tokenizer.prefixIds.length).toBe(name.startsWith('llama') ? 1 : 0);
  });
});

describe('what is no sound file', () => {
  const original = readFileSync(fixture('llama3-rope.gguf'));
  const path = join(folder, 'broken.gguf');
  const opening = async (bytes: Uint8Array): Promise<unknown> => {
    writeFileSync(path, bytes);
    return openModelSource(path).then(
      ({ checkpoint }) => checkpoint.close(),
      (error: unknown) => error,
    );
  };

  it('is refused when it was cut short, wherever', () => {
    const whole = openGguf(fixture('llama3-rope.gguf'));
    const head = Math.min(...[...whole.tensors.values()].map(({ offset }) => offset));
    const ends = [...whole.tensors.values()].map(({ offset, bytes }) => offset + bytes - 1);
    whole.close();
    writeFileSync(path, original);
    // Every byte where kinds of things take turns; in the vocabulary, which is one text after the other, every eleventh.
    const every = Array.from({ length: head }, (_, i) => head - i - 1);
    const lengths = every.filter((length) => length < 500 || length > head - 300 || length % 11 === 0);
    for (const length of [...ends.sort((a, b) => b - a), ...lengths]) {
      truncateSync(path, length);
      let thrown: unknown;
      try {
        openGguf(path).close();
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(ModelError);
      expect(['gguf_truncated', 'gguf_malformed']).toContain((thrown as ModelError).code);
    }
  });

  it('is refused, or read, whatever bytes of its head are changed', async () => {
    const next = uniform(5, 0);
    for (let trial = 0; trial < 150; trial++) {
      const bytes = new Uint8Array(original);
      for (let flips = 0; flips < 3; flips++) bytes[Math.floor(next() * 2000)] = Math.floor(next() * 256);
      const thrown = await opening(bytes);
      if (thrown !== undefined) expect(thrown).toBeInstanceOf(ModelError);
    }
  });

  const patched = (at: number, bytes: readonly number[]): Uint8Array => {
    const copy = new Uint8Array(original);
    copy.set(bytes, at);
    return copy;
  };
  const huge = [255, 255, 255, 255, 255, 255, 15, 0];
  it.each([
    ['of another version', 4, [1, 0, 0, 0], 'gguf_unsupported', 'version 1'],
    ['with big-endian numbers', 4, [0, 0, 0, 3], 'gguf_unsupported', 'big-endian'],
    ['that claims more tensors than it has bytes', 8, huge, 'gguf_truncated', 'list of tensors'],
    ['that claims more entries than it has bytes', 16, huge, 'gguf_truncated', 'metadata'],
    ['with a key longer than itself', 24, huge, 'gguf_truncated', 'a text'],
    ['that begins otherwise', 0, [80], 'gguf_malformed', 'GGUF'],
  ] as const)('is refused %s', async (_, at, bytes, code, said) => {
    expect(await opening(patched(at, bytes))).toMatchObject({ code, message: expect.stringContaining(said) });
  });

  /** The file with a text in it replaced by another of the same length. */
  const replaced = (text: string, by: string): Uint8Array => {
    const at = original.indexOf(text);
    expect(at).toBeGreaterThan(0);
    return patched(at, [...Buffer.from(by.padEnd(text.length, 'x'))]);
  };
  it.each([
    ['an architecture that is not read', 'llama', 'mamba', 'gguf_unsupported', 'mamba'],
    ['no number of layers', 'llama.block_count', 'llama.block_kount', 'gguf_malformed', 'llama.block_count is missing'],
    ['a tensor that nobody knows', 'blk.0.ffn_gate.', 'blk.0.ffn_bate.', 'gguf_unsupported', 'ffn_bate'],
  ] as const)('names %s', async (_, text, by, code, said) => {
    expect(await opening(replaced(text, by))).toMatchObject({ code, message: expect.stringContaining(said) });
  });

  test('names a quantisation that is not read, and one that rows do not fit', async () => {
    // The type of a tensor stands behind its name, the count of its dimensions, and two of them.
    const name = 'blk.0.attn_k.weight';
    const at = original.indexOf(name) + name.length + 4 + 16;
    expect(await opening(patched(at, [16]))).toMatchObject({
      code: 'gguf_unsupported',
      message: expect.stringContaining('Q4_K'),
    });
    expect(await opening(patched(at, [12]))).toMatchObject({
      code: 'gguf_malformed',
      message: expect.stringContaining('Q4_K'),
    });
  });

  it('is named when it is another thing: a pointer in its place', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n';
    const refused = { code: 'gguf_malformed', message: expect.stringContaining('git lfs pull') };
    expect(await opening(Buffer.from(pointer))).toMatchObject(refused);
  });

  test('is told from a pipe, which nobody waits for, and from nothing', async () => {
    const pipe = join(folder, 'pipe.gguf');
    execFileSync('mkfifo', [pipe]);
    await expect(openModelSource(pipe)).rejects.toMatchObject({ code: 'gguf_unreadable' });
    const nothing = openModelSource(join(folder, 'nowhere.gguf'));
    await expect(nothing).rejects.toMatchObject({ code: 'checkpoint_not_a_directory' });
  });
});
