// What was changed of a model elsewhere: an adapter as PEFT merges it, a copy to the bit, and what is no change of the model.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { decodeChange, encodeChange } from '../deltas/change-file.ts';
import { loadCheckpoint } from '../files/checkpoint.ts';
import { versionContents, writeCheckpoint } from '../files/checkpoint-write.ts';
import { openSafetensors } from '../files/safetensors.ts';
import { type Model, openModel } from '../running/model.ts';
import { fixturePath, worstDifference } from '../tiny-models.fixture.ts';
import { identifyChange, readChange } from './weight-change.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-changes-'));
const models: Model[] = [];
afterAll(async () => {
  for (const model of models) await model.release();
  rmSync(folder, { recursive: true, force: true });
});

async function opened(name: string) {
  const checkpoint = await loadCheckpoint(fixturePath(name));
  const model = openModel(checkpoint);
  models.push(model);
  return { checkpoint, model };
}
const bases = { llama: 'llama-grouped', gpt2: 'gpt2-tied' } as const;

test.each(['llama', 'gpt2'] as const)(
  'an adapter of %s stays of low rank, and adds up to what PEFT merges',
  async (name) => {
    const { model } = await opened(bases[name]);
    const path = fixturePath(`adapters/${name}`);
    const deltas = await readChange(path, model);
    const products = deltas.filter(({ kind }) => kind === 'low_rank');
    expect(products.length).toBeGreaterThan(1);
    for (const delta of products) expect(delta).toMatchObject({ rank: expect.any(Number) });
    const view = model.view(deltas);
    const expected = openSafetensors(join(path, 'merged.safetensors'));
    for (const tensor of expected.tensors.keys())
      expect(worstDifference(view.weight(tensor), expected.read(tensor)), tensor).toBeLessThan(1e-6);
    for (const tensor of model.spec.parameters.keys())
      if (!expected.tensors.has(tensor)) expect(view.weight(tensor), tensor).toEqual(model.base(tensor));
    expected.close();
    const kept = decodeChange(encodeChange('a model', deltas));
    expect(kept).toEqual({ model: 'a model', deltas });
    const { format, digest, files } = await identifyChange(path);
    expect(format).toBe('adapter');
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(files.map((file) => file.name)).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  },
);

test('a copy with other weights differs by what was changed, and only by that', async () => {
  const { checkpoint, model } = await opened('llama-grouped');
  const trained = model.view(await readChange(fixturePath('adapters/llama'), model));
  const copy = join(folder, 'copy');
  await writeCheckpoint(copy, versionContents(checkpoint, model, trained));
  const deltas = await readChange(copy, model);
  expect(deltas.map(({ tensor }) => tensor)).toEqual(
    [...model.spec.parameters.keys()].filter((each) => trained.weight(each) !== model.base(each)),
  );
  const view = model.view(deltas);
  for (const { kind, tensor } of deltas) {
    expect(kind).toBe('dense');
    const wanted = trained.weight(tensor);
    const size = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(worstDifference(view.weight(tensor), wanted)).toBeLessThan(2 ** -23 * size);
  }
  expect(await identifyChange(copy)).toMatchObject({ format: 'safetensors', files: [{ name: 'model.safetensors' }] });
});

test('what is no change of the model is refused by what it is', async () => {
  const { model } = await opened('llama-grouped');
  const refused = async (path: string) => readChange(path, model).catch((error) => error);
  expect(await refused(fixturePath('llama-grouped'))).toMatchObject({
    code: 'change_misfit',
    what: expect.stringContaining('none of its weights'),
  });
  expect(await refused(fixturePath('gpt2-tied'))).toMatchObject({
    code: 'change_misfit',
    what: expect.stringContaining('gpt2'),
  });
  expect(await refused(fixturePath('llama-tied'))).toMatchObject({ code: 'change_misfit' });
  expect(await refused(fixturePath('adapters/gpt2'))).toMatchObject({ code: 'adapter_misfit' });
  expect(await refused(join(folder, 'nowhere'))).toMatchObject({ code: 'checkpoint_not_a_directory' });
  const broken = join(folder, 'broken');
  cpSync(fixturePath('adapters/llama'), broken, { recursive: true });
  rmSync(join(broken, 'adapter_model.safetensors'));
  expect(await refused(broken)).toMatchObject({ code: 'adapter_weights_missing' });
  expect(await refused('hf:some/model')).toMatchObject({ code: 'hub_disabled' });
});
