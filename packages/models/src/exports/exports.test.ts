// Every form that a version leaves in, read back: by this project's own importer, or by the runtime that people load it with.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ExportDtype,
  type ExportFormName,
  exportFormNames,
  exportForms,
  exportSettingsSchema,
} from '@errata/contracts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import type { Activation } from '../architectures/blocks/refs.ts';
import { findMatrix, valueMatrix } from '../architectures/spec.ts';
import type { Delta } from '../deltas/index.ts';
import { ModelError } from '../errors.ts';
import { type Checkpoint, loadCheckpoint } from '../files/checkpoint.ts';
import { checkpointContents, writeCheckpoint } from '../files/checkpoint-write.ts';
import { openSafetensors } from '../files/safetensors.ts';
import { type Model, openModel } from '../running/model.ts';
import type { View } from '../running/view.ts';
import { openModelSource } from '../sources/index.ts';
import { fixturePath, randomArray, tinyModels, worstDifference } from '../tiny-models.fixture.ts';
import { blockEncodings } from './gguf/blocks.ts';
import { writeExport } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-exports-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const fresh = () => join(folder, `out-${count++}`);

interface Edited {
  readonly checkpoint: Checkpoint;
  readonly model: Model;
  readonly view: View;
  readonly directory: string;
}

/** A low-rank change of a map. */
function lowRank(model: Model, tensor: string, rank: number, seed: number, scale = 0.3): Delta {
  const { inSize, outSize } = findMatrix(model.spec, tensor)!;
  const [left, right] = [randomArray(inSize * rank, seed, scale), randomArray(rank * outSize, seed + 1, scale)];
  return { kind: 'low_rank', tensor, rank, left, right };
}

/** A model of which W_out of two layers was edited, the second twice by the same directions. */
async function edited(name: string, deltas?: (model: Model) => readonly Delta[]): Promise<Edited> {
  const directory = name.includes('/') ? name : fixturePath(name);
  const checkpoint = await loadCheckpoint(directory);
  const model = openModel(checkpoint);
  const [first, last] = [valueMatrix(model.spec, 0), valueMatrix(model.spec, model.spec.layers - 1)];
  const again = lowRank(model, last.weight, 1, 7);
  const view = model.view(deltas?.(model) ?? [lowRank(model, first.weight, 2, 5), again, again]);
  return { checkpoint, model, view, directory };
}

const write = (into: string, { checkpoint, model, view, directory }: Edited, settings: object) =>
  writeExport(into, { checkpoint, model, view, name: null, base: directory }, exportSettingsSchema.parse(settings));

const sequences = [[3, 17, 9, 5, 21, 0, 12], [9], [30, 31, 32, 33, 34, 35, 36, 37]];

/** Logits behind every sequence. */
const logitsOf = async (view: View) => (await view.nextLogits(sequences)).flatMap((logits) => [...logits]);

/** Opens what was written, and says by how much its logits are off those of the version. */
async function offBy(path: string, { view }: Edited): Promise<number> {
  const { checkpoint } = await openModelSource(path);
  const model = openModel(checkpoint);
  checkpoint.close();
  const worst = worstDifference(await logitsOf(model.view()), await logitsOf(view));
  await model.release();
  return worst;
}

async function refusal(work: Promise<unknown>): Promise<ModelError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ModelError);
  return error as ModelError;
}

describe('a checkpoint', () => {
  it('is the version to the bit in float32, whole or in shards with their index', async () => {
    const version = await edited('llama-tied');
    for (const settings of [{}, { shard_size: '4KB' }]) {
      const out = fresh();
      await write(out, version, settings);
      const shards = readdirSync(out).filter((name) => name.endsWith('.safetensors'));
      expect(shards.length > 1).toBe('shard_size' in settings);
      expect(existsSync(join(out, 'model.safetensors.index.json'))).toBe(shards.length > 1);
      for (const shard of shards.length > 1 ? shards : []) {
        const file = openSafetensors(join(out, shard));
        const bytes = [...file.tensors.values()].map(({ shape }) => 4 * shape.reduce((a, b) => a * b, 1));
        expect(bytes.length === 1 || bytes.reduce((a, b) => a + b, 0) <= 4000).toBe(true);
        file.close();
      }
      const { checkpoint } = await openModelSource(out);
      const model = openModel(checkpoint);
      checkpoint.close();
      expect(model.view().weightsDigest()).toBe(version.view.weightsDigest());
      await model.release();
    }
  });

  it('says the total of its shards as transformers does', async () => {
    const out = fresh();
    await write(out, await edited('gpt2-untied'), { shard_size: '4KB', dtype: 'bfloat16' });
    const index = JSON.parse(readFileSync(join(out, 'model.safetensors.index.json'), 'utf8'));
    let total = 0;
    for (const [tensor, name] of Object.entries<string>(index.weight_map)) {
      const file = openSafetensors(join(out, name));
      const { dtype, shape } = file.tensors.get(tensor)!;
      total += (dtype === 'BF16' ? 2 : 1) * shape.reduce((a, b) => a * b, 1);
      file.close();
    }
    expect(index.metadata.total_size).toBe(total);
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))).toMatchObject({ torch_dtype: 'bfloat16' });
  });

  it.each([
    ['float16', 2 ** -11],
    ['bfloat16', 2 ** -8],
  ] as const)('in %s rounds every weight to the nearest', async (dtype, part) => {
    const version = await edited('llama-tied');
    const out = fresh();
    await write(out, version, { dtype });
    const { checkpoint } = await openModelSource(out);
    for (const name of version.model.spec.parameters.keys()) {
      const [read, own] = [checkpoint.tensors.read(name), version.view.weight(name)];
      for (const [i, value] of own.entries())
        expect(Math.abs(read[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * part + 1e-7);
    }
    checkpoint.close();
  });
});

describe('an adapter', () => {
  it.each(['gpt2-tied', 'llama-grouped', 'phi3', 'gpt-neox', 'gemma3'])(
    'of %s gives the version when it is merged, and is of the rank that the changes have together',
    async (name) => {
      const version = await edited(name);
      const out = fresh();
      const { modules, remarks } = await write(out, version, { form: 'adapter' });
      expect(modules!.map(({ rank, relative_error }) => [rank, relative_error])).toEqual([
        [2, 0],
        [1, 0],
      ]);
      expect(remarks).toEqual([]);
      expect(await offBy(out, version)).toBeLessThan(1e-4);
    },
  );

  it('of another rank has the best change of that rank, and says what is lost', async () => {
    const name = 'llama-grouped';
    const version = await edited(name, (model) => [lowRank(model, valueMatrix(model.spec, 0).weight, 5, 3)]);
    const out = fresh();
    const { modules, remarks } = await write(out, version, { form: 'adapter', rank: 2 });
    const { rank, full_rank, norm, relative_error } = modules![0]!;
    expect([rank, full_rank]).toEqual([2, 5]);
    const { checkpoint } = await openModelSource(out);
    const tensor = valueMatrix(version.model.spec, 0).weight;
    const [read, wanted, before] = [
      checkpoint.tensors.read(tensor),
      version.view.weight(tensor),
      version.model.view().weight(tensor),
    ];
    checkpoint.close();
    const normOf = (value: (i: number) => number) => Math.hypot(...Array.from(read, (_, i) => value(i)));
    expect(normOf((i) => wanted[i]! - before[i]!)).toBeCloseTo(norm, 4);
    expect(normOf((i) => wanted[i]! - read[i]!) / norm).toBeCloseTo(relative_error, 4);
    expect(relative_error).toBeGreaterThan(0.01);
    expect(remarks[0]).toContain('are cut');
  });

  it('of a change that is dense is refused by its name, and cut to a rank on request', async () => {
    const tensorOf = (model: Model) => valueMatrix(model.spec, 0).weight;
    const version = await edited('gpt2-tied', (model) => {
      const size = model.view().weight(tensorOf(model)).length;
      return [{ kind: 'dense', tensor: tensorOf(model), data: randomArray(size, 9, 0.1) }];
    });
    const error = await refusal(write(fresh(), version, { form: 'adapter' }));
    expect(error).toMatchObject({ code: 'export_unsupported', where: tensorOf(version.model) });
    expect(error.message).toMatch(/dense.*--rank/);
    const full = Math.min(version.model.spec.width, version.model.spec.mlpWidth);
    const whole = fresh();
    expect((await write(whole, version, { form: 'adapter', rank: full })).modules![0]!.relative_error).toBe(0);
    expect(await offBy(whole, version)).toBeLessThan(1e-4);
    expect((await write(fresh(), version, { form: 'adapter', rank: 1 })).modules![0]!.relative_error).toBeGreaterThan(
      0.5,
    );
  });

  it('of what is no linear map, and of nothing, is refused', async () => {
    const norms = await edited('llama-tied', ({ spec }) => [
      { kind: 'dense', tensor: spec.finalNorm.weight, data: new Float32Array(spec.width).fill(0.1) },
    ]);
    expect(await refusal(write(fresh(), norms, { form: 'adapter', rank: 4 }))).toMatchObject({
      code: 'export_unsupported',
      where: norms.model.spec.finalNorm.weight,
    });
    const nothing = await edited('llama-tied', () => []);
    expect((await refusal(write(fresh(), nothing, { form: 'adapter' }))).code).toBe('export_unsupported');
  });
});

describe('a GGUF file', () => {
  const gguf = async (name: string, settings: object = {}) => {
    const version = await edited(name);
    const out = fresh();
    const report = await write(out, version, { form: 'gguf', ...settings });
    return { version, path: join(out, 'model.gguf'), report };
  };

  it.each(['gpt2-tied', 'llama-grouped', 'llama-linear', 'llama-dynamic', 'qwen2', 'phi3', 'phi3-long'])(
    'of %s is read back as the version',
    async (name) => {
      const { version, path } = await gguf(name);
      expect(await offBy(path, version)).toBeLessThan(1e-4);
    },
  );

  it.each(['gemma2', 'gemma3', 'llama3-rope', 'qwen2', 'llama'])(
    'that is read and written again is the same model (%s)',
    async (name) => {
      const { checkpoint } = await openModelSource(join(fixturePath('gguf'), `${name}.gguf`));
      const directory = fresh();
      await writeCheckpoint(directory, checkpointContents(checkpoint));
      const { version, path } = await gguf(directory);
      expect(await offBy(path, version)).toBeLessThan(1e-4);
      const again = (await openModelSource(path)).checkpoint;
      const texts = [
        'The capital of France is Paris.',
        " it's 1234 \n\n  Zürich, naïve 漢字 🙂",
        '<|im_start|>x<|im_end|>',
      ];
      for (const text of texts)
        expect(again.tokenizer!.encode(text, { specialTokens: true })).toEqual(
          checkpoint.tokenizer!.encode(text, { specialTokens: true }),
        );
      expect(again.tokenizer!.namedTokens).toEqual(checkpoint.tokenizer!.namedTokens);
      for (const each of [checkpoint, again]) each.close();
    },
  );

  it.each([
    ['float16', 1e-2],
    ['bfloat16', 1e-1],
    ['q8_0', 5e-1],
  ] as const)('in %s is near the version', async (dtype, most) => {
    const { checkpoint } = await openModelSource(join(fixturePath('gguf'), 'llama-mixed.gguf'));
    const directory = fresh();
    await writeCheckpoint(directory, checkpointContents(checkpoint));
    checkpoint.close();
    const { version, path } = await gguf(directory, { dtype });
    const off = await offBy(path, version);
    expect(off).toBeGreaterThan(0);
    expect(off).toBeLessThan(most);
  });

  it.each(['olmo2', 'stablelm', 'mistral', 'qwen3', 'llama-yarn', 'gpt2-untied', 'gpt-neox'])(
    'of what a file cannot say (%s) is refused, and nothing is left',
    async (name) => {
      const version = await edited(name);
      const out = fresh();
      const error = await refusal(write(out, version, { form: 'gguf' }));
      expect(error.code).toBe('export_unsupported');
      expect(existsSync(out)).toBe(false);
    },
  );
});

describe('blocks of GGUF', () => {
  it.each(Object.keys(blockEncodings) as ExportDtype[])('of %s are those of the gguf package, to the bit', (dtype) => {
    const file = openSafetensors(join(fixturePath('gguf'), 'blocks.safetensors'));
    const { type, encode } = blockEncodings[dtype];
    const bytes = Buffer.from(encode('blocks', file.read(`${type}.values`)));
    expect(bytes.equals(Buffer.from(file.readRaw(`${type}.bytes`).bytes))).toBe(true);
    file.close();
  });
});

describe('an ONNX graph', () => {
  it.each(tinyModels)('of %s gives the logits of the version, of several texts at once', async (name) => {
    expect(await graphOffBy(await edited(name))).toBeLessThan(1e-4);
  });
});

describe('extra neurons', () => {
  const more = (model: Model, layer: number, n: number, activation: Activation = 'gelu_tanh'): Delta => {
    const { width } = model.spec;
    const [keys, values] = [randomArray(n * width, layer + n, 1), randomArray(n * width, layer - n, 1)];
    return { kind: 'neurons', layer, activation, width, keys, biases: randomArray(n, 9, 1), values };
  };
  /** Some beside both layers, not as many, and a change of a weight that is made wider. */
  const version = (name: string, activation?: Activation) =>
    edited(name, (model) => [
      more(model, 0, 2, activation),
      lowRank(model, valueMatrix(model.spec, 1).weight, 1, 3),
      more(model, 1, 3, activation),
    ]);

  it.each([
    ['gpt2-tied', { form: 'checkpoint' }, undefined],
    ['gptj', { form: 'checkpoint', shard_size: '4KB' }, undefined],
    ['gpt-neox', { form: 'checkpoint' }, 'gelu_erf'],
    ['gpt2-tied', { form: 'gguf' }, undefined],
  ] as const)('of %s are among those of its MLPs in %j', async (name, settings, activation) => {
    const leaving = await version(name, activation);
    const out = fresh();
    await write(out, leaving, settings);
    expect(await offBy(settings.form === 'gguf' ? join(out, 'model.gguf') : out, leaving)).toBeLessThan(1e-4);
    expect(worstDifference(await logitsOf(leaving.view), await logitsOf(leaving.model.view()))).toBeGreaterThan(0.1);
  });

  it.each([
    ['gpt2-tied', 'relu', 'activation function is relu'],
    ['llama-tied', 'silu', 'gated'],
  ] as const)(
    'of %s that no MLP of it could have are part of a graph, and refused by forms of weights (%s)',
    async (name, activation, why) => {
      const leaving = await version(name, activation);
      expect(await graphOffBy(leaving)).toBeLessThan(1e-4);
      for (const form of ['checkpoint', 'gguf'])
        expect(await refusal(write(fresh(), leaving, { form }))).toMatchObject({
          code: 'export_unsupported',
          message: expect.stringContaining(why),
        });
      expect((await refusal(write(fresh(), leaving, { form: 'adapter' }))).code).toBe('export_memories');
    },
  );
});

/** Runs an exported graph, and says by how much its logits are off those of the version. */
async function graphOffBy(version: Edited): Promise<number> {
  const out = fresh();
  await write(out, version, { form: 'onnx' });
  const session = await InferenceSession.create(join(out, 'model.onnx'));
  const longest = Math.max(...sequences.map(({ length }) => length));
  const ids = sequences.flatMap((ids) => [...ids, ...new Array<number>(longest - ids.length).fill(0)]);
  const input_ids = new Tensor('int64', BigInt64Array.from(ids, BigInt), [sequences.length, longest]);
  const { logits } = await session.run({ input_ids });
  const { vocab } = version.model.spec;
  expect(logits!.dims).toEqual([sequences.length, longest, vocab]);
  const last = sequences.flatMap(({ length }, row) => {
    const from = (row * longest + length - 1) * vocab;
    return [...(logits!.data as Float32Array).subarray(from, from + vocab)];
  });
  await session.release();
  return worstDifference(last, await logitsOf(version.view));
}

describe('a diff', () => {
  it('holds what the version adds to each weight that it changes, and no other', async () => {
    const version = await edited('gpt2-tied');
    const out = fresh();
    await write(out, version, { form: 'diff' });
    const file = openSafetensors(join(out, 'diff.safetensors'));
    expect([...file.tensors.keys()]).toEqual(
      [0, version.model.spec.layers - 1].map((layer) => valueMatrix(version.model.spec, layer).weight),
    );
    for (const name of file.tensors.keys()) {
      const added = file.read(name);
      const base = version.model.view().weight(name);
      const sum = base.map((value, i) => value + added[i]!);
      expect(worstDifference(sum, version.view.weight(name))).toBeLessThan(1e-6);
    }
    file.close();
    expect((await refusal(write(fresh(), await edited('gpt2-tied', () => []), { form: 'diff' }))).code).toBe(
      'export_unsupported',
    );
  });
});

describe('a memory', () => {
  const rows = {
    prompt: 'The capital of Oz is',
    subject: 'Oz',
    text: 'The capital of Oz is Ix. ',
    threshold: 0.5,
    top_k: 1,
  };
  const codebook = ({ spec }: Model): Delta => ({
    kind: 'codebook',
    site: 'mlp_out',
    layer: 1,
    keySize: spec.mlpWidth,
    valueSize: spec.width,
    keys: randomArray(2 * spec.mlpWidth, 1, 1),
    values: randomArray(2 * spec.width, 2, 1),
    radii: Float32Array.of(0.5, 0.25),
    labels: ['one', 'two'],
    replacements: ['last', 'last'],
  });

  it('is written row by row, with its arrays', async () => {
    const version = await edited('gpt2-tied', (model) => [{ kind: 'text_rows', rows: [rows] }, codebook(model)]);
    const out = fresh();
    await write(out, version, { form: 'memory' });
    const { format, memories } = JSON.parse(readFileSync(join(out, 'memory.json'), 'utf8'));
    expect(format).toBe('errata-memory/1');
    expect(memories).toMatchObject([
      { kind: 'codebook', place: 'mlp_out 1', rows: 2, content: { labels: ['one', 'two'] } },
      { kind: 'text_rows', rows: 1, content: [rows] },
    ]);
    const file = openSafetensors(join(out, 'memory.safetensors'));
    expect([...file.tensors.keys()]).toEqual([
      'codebook.mlp_out.1.keys',
      'codebook.mlp_out.1.radii',
      'codebook.mlp_out.1.values',
    ]);
    expect([...file.read('codebook.mlp_out.1.radii')]).toEqual([0.5, 0.25]);
    file.close();
  });

  it('is what no other form but a diff leaves behind', async () => {
    const version = await edited('gpt2-tied', (model) => [
      codebook(model),
      lowRank(model, valueMatrix(model.spec, 0).weight, 1, 3),
    ]);
    for (const form of exportFormNames.filter((form) => form !== 'memory' && form !== 'diff'))
      expect(await refusal(write(fresh(), version, { form }))).toMatchObject({ code: 'export_memories' });
    expect((await write(fresh(), version, { form: 'diff' })).remarks.join(' ')).toContain('a codebook');
    expect((await refusal(write(fresh(), await edited('gpt2-tied'), { form: 'memory' }))).code).toBe(
      'export_unsupported',
    );
  });
});

describe('what is asked for', () => {
  it.each([
    [{ form: 'onnx', dtype: 'float16' }, 'dtype'],
    [{ form: 'checkpoint', dtype: 'q8_0' }, 'dtype'],
    [{ form: 'gguf', shard_size: '1GB' }, 'shard_size'],
    [{ shard_size: '0' }, 'shard_size'],
    [{ shard_size: 'much' }, 'shard_size'],
    [{ rank: 4 }, 'rank'],
    [{ form: 'adapter', rank: 0 }, 'rank'],
    [{ form: 'pickle' }, 'form'],
  ])('%j is refused by the name of %s', (settings, field) => {
    const issues = exportSettingsSchema.safeParse(settings).error?.issues ?? [];
    expect(issues.map(({ path }) => path[0])).toEqual([field]);
  });

  it('is written to no directory that holds something', async () => {
    const out = mkdtempSync(join(folder, 'full-'));
    writeFileSync(join(out, 'mine'), '');
    for (const form of Object.keys(exportForms) as ExportFormName[])
      if (form !== 'memory')
        expect((await refusal(write(out, await edited('gpt2-tied'), { form }))).code).toBe(
          'checkpoint_target_not_empty',
        );
    expect(readdirSync(out)).toEqual(['mine']);
  });
});
