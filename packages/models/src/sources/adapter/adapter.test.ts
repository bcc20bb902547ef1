// LoRA adapters against what PEFT makes of them, and what is not merged.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadCheckpoint } from '../../files/checkpoint.ts';
import { versionContents, writeCheckpoint } from '../../files/checkpoint-write.ts';
import { openSafetensors, parseSafetensors, writeSafetensors } from '../../files/safetensors.ts';
import { openModel } from '../../running/model.ts';
import { fixturePath, worstDifference } from '../../tiny-models.fixture.ts';
import { openModelSource } from '../index.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-adapters-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bases = { llama: 'llama-grouped', gpt2: 'gpt2-tied' } as const;

test.each(['llama', 'gpt2'] as const)('a LoRA on %s is merged as PEFT merges it', async (name) => {
  const { checkpoint, origin } = await openModelSource(fixturePath(`adapters/${name}`));
  const base = await loadCheckpoint(fixturePath(bases[name]));
  const expected = openSafetensors(join(fixturePath(`adapters/${name}`), 'merged.safetensors'));
  let worst = 0;
  for (const tensor of checkpoint.tensors.names) {
    const wanted = expected.tensors.has(tensor) ? expected.read(tensor) : base.tensors.read(tensor);
    worst = Math.max(worst, worstDifference(checkpoint.tensors.read(tensor), wanted));
  }
  expect(worst).toBeLessThan(1e-6);
  expect([...expected.tensors.keys()].filter((tensor) => !checkpoint.tensors.has(tensor))).toEqual([]);
  expect(checkpoint.tensors.names).toEqual(base.tensors.names);
  expect(checkpoint.digest).not.toBe(base.digest);
  expect(origin).toEqual([
    { format: 'adapter', reference: fixturePath(`adapters/${name}`) },
    { format: 'safetensors', reference: `../../${bases[name]}` },
  ]);
  for (const opened of [checkpoint, base, expected]) opened.close();
});

test('a merged model is written as a directory of its own, with the same bytes', async () => {
  const { checkpoint } = await openModelSource(fixturePath('adapters/llama'));
  const model = openModel(checkpoint);
  const out = join(folder, 'written');
  await writeCheckpoint(out, versionContents(checkpoint, model, model.view()));
  const written = await loadCheckpoint(out);
  for (const name of checkpoint.tensors.names)
    expect(written.tensors.read(name)).toEqual(checkpoint.tensors.read(name));
  await model.release();
  written.close();
  checkpoint.close();
});

let copies = 0;

/** A copy of an adapter with another configuration, or another set of tensors; its base is given by the caller. */
function changed(
  name: 'llama' | 'gpt2',
  config: Readonly<Record<string, unknown>>,
  tensors?: (file: ReturnType<typeof parseSafetensors>) => Readonly<Record<string, string>>,
): string {
  const copy = join(folder, String(copies++));
  cpSync(fixturePath(`adapters/${name}`), copy, { recursive: true });
  const path = join(copy, 'adapter_config.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...config }));
  if (tensors !== undefined) {
    const weights = join(copy, 'adapter_model.safetensors');
    const file = parseSafetensors(readFileSync(weights));
    rmSync(weights);
    const renamed = Object.entries(tensors(file)).map(([to, from]) => [to, file.readRaw(from)] as const);
    writeSafetensors(weights, new Map(renamed));
  }
  return copy;
}

const base = fixturePath('llama-grouped');
const open = (path: string, options: { base?: string } = { base }) => openModelSource(path, options);

test('a base that is given goes before the one that the adapter names', async () => {
  const path = changed('llama', { base_model_name_or_path: 'nowhere' });
  const { checkpoint, origin } = await open(path);
  expect(origin[1]?.reference).toBe(base);
  checkpoint.close();
});

test('an adapter whose base is not at hand says how to give it', async () => {
  await expect(open(changed('llama', { base_model_name_or_path: './nowhere' }), {})).rejects.toMatchObject({
    code: 'adapter_base_unknown',
    message: expect.stringMatching(/nowhere.*--base/),
  });
  await expect(open(changed('llama', { base_model_name_or_path: null }), {})).rejects.toMatchObject({
    code: 'adapter_base_unknown',
  });
});

test.each([
  [{ use_dora: true }, 'adapter_unsupported', 'DoRA'],
  [{ peft_type: 'IA3' }, 'adapter_unsupported', 'IA3'],
  [{ layer_replication: [[0, 1]] }, 'adapter_unsupported', 'layer_replication'],
  [{ init_lora_weights: 'pissa' }, 'adapter_unsupported', 'pissa'],
  [{ r: 'two' }, 'adapter_config_malformed', 'r:'],
  [{ r: 7 }, 'adapter_config_malformed', 'rank 2'],
  [{ alpha_pattern: { '(': 1 } }, 'adapter_config_malformed', 'regular expression'],
] as const)('a configuration with %j is refused', async (config, code, said) => {
  const attempt = open(changed('llama', config));
  await expect(attempt).rejects.toMatchObject({ code, message: expect.stringContaining(said) });
});

const first = 'base_model.model.model.layers.0.self_attn.q_proj';

test.each([
  ['of another model', { [`${first}.lora_A.weight`]: `${first}.lora_B.weight` }, 'adapter_misfit', 'A and B'],
  [
    'for modules that the base lacks',
    { 'base_model.model.model.norm2.weight': `${first}.lora_A.weight` },
    'adapter_misfit',
    'norm2',
  ],
  [
    'of resized embeddings',
    { 'base_model.model.lm_head.weight': `${first}.lora_A.weight` },
    'adapter_misfit',
    'resized',
  ],
  [
    'of another method',
    { [`${first}.lora_magnitude_vector`]: `${first}.lora_A.weight` },
    'adapter_unsupported',
    'DoRA',
  ],
  ['that nobody knows', { [`${first}.lora_C.weight`]: `${first}.lora_A.weight` }, 'adapter_unsupported', 'lora_C'],
] as const)('tensors %s are refused', async (_, tensors, code, said) => {
  const path = changed('llama', {}, () => tensors);
  await expect(open(path)).rejects.toMatchObject({ code, message: expect.stringContaining(said) });
});

test('a change of an embedding whose head is tied to it is refused', async () => {
  const whole = changed('gpt2', { base_model_name_or_path: fixturePath('gpt2-tied') }, () => ({}));
  const embeddings = await loadCheckpoint(fixturePath('gpt2-tied'));
  rmSync(join(whole, 'adapter_model.safetensors'));
  writeSafetensors(
    join(whole, 'adapter_model.safetensors'),
    new Map([['base_model.model.transformer.wte.weight', embeddings.tensors.readRaw('transformer.wte.weight')]]),
  );
  embeddings.close();
  await expect(open(whole, {})).rejects.toMatchObject({
    code: 'adapter_unsupported',
    message: expect.stringContaining('tied'),
  });
});

test('an adapter without weights, or with pickled ones, is refused', async () => {
  const path = changed('llama', {});
  rmSync(join(path, 'adapter_model.safetensors'));
  await expect(open(path)).rejects.toMatchObject({ code: 'adapter_weights_missing' });
  writeFileSync(join(path, 'adapter_model.bin'), 'x');
  await expect(open(path)).rejects.toMatchObject({ message: expect.stringContaining('pickle') });
});
