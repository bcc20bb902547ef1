// Models of the hub, from a small hub on loopback.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadCheckpoint } from '../../files/checkpoint.ts';
import { fixturePath } from '../../tiny-models.fixture.ts';
import { absoluteReference, openModelSource } from '../index.ts';
import { smallHub } from './hub.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-hub-'));
const fixture = (name: string, file: string) => readFileSync(join(fixturePath(name), file));
const llama = {
  'config.json': fixture('llama-grouped', 'config.json'),
  'model.safetensors': fixture('llama-grouped', 'model.safetensors'),
};
const adapter = (base: string) => ({
  'adapter_config.json': Buffer.from(
    JSON.stringify({
      ...JSON.parse(fixture('adapters/llama', 'adapter_config.json').toString()),
      base_model_name_or_path: base,
    }),
  ),
  'adapter_model.safetensors': fixture('adapters/llama', 'adapter_model.safetensors'),
});
const gguf = fixture('gguf', 'qwen2.gguf');
const pickle = Buffer.from('\x80\x02 a pickle');
const hub = await smallHub({
  'org/llama': { files: { ...llama, 'README.md': Buffer.from('# A card\n'), 'pytorch_model.bin': pickle } },
  'org/evil': { files: { ...llama, '../../../evil.json': pickle, 'model/deep.json': pickle } },
  'org/garbled': { files: llama, garbled: true },
  'org/gated': { files: llama, gatedBy: 'secret' },
  'org/adapter': { files: adapter('org/llama') },
  'org/nosy': { files: adapter(fixturePath('llama-grouped')) },
  'org/pickled': { files: { 'config.json': llama['config.json'], 'pytorch_model.bin': pickle } },
  'org/gguf': { files: { 'one.gguf': gguf, 'README.md': Buffer.from('x') } },
  'org/ggufs': { files: { 'one.gguf': gguf, 'two.gguf': gguf } },
  'org/damaged': { files: llama, stated: { 'model.safetensors': { sha256: '0'.repeat(64) } } },
  'org/huge': { files: llama, stated: { 'model.safetensors': { size: 2 ** 52 } } },
});
afterAll(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

let cache = '';
beforeEach(() => {
  cache = mkdtempSync(join(folder, 'cache-'));
  hub.seen.length = 0;
  vi.stubEnv('HF_ENDPOINT', `${hub.endpoint}/`);
  vi.stubEnv('HF_HUB_CACHE', cache);
  vi.stubEnv('HF_TOKEN', '');
  vi.stubEnv('HF_HUB_OFFLINE', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const open = async (reference: string, options = {}) => {
  const opened = await openModelSource(reference, options);
  opened.checkpoint.close();
  return opened;
};
const blobs = () => readdirSync(join(cache, 'models--org--llama', 'blobs'));
const filesAsked = () =>
  hub.seen.filter(({ path }) => path.includes('/resolve/')).map(({ path }) => path.split('/').at(-1));

const rangesAsked = () => hub.seen.filter(({ elsewhere }) => elsewhere).map(({ range }) => range);

/** Leaves a download of weights that were downloaded as if it had been broken off, begun with its own bytes or with others. */
function begin(length: number, filler?: string): void {
  const folder = join(cache, 'models--org--llama');
  rmSync(join(folder, 'snapshots'), { recursive: true });
  const path = join(folder, 'blobs', blobs().find((name) => name.length === 64)!);
  writeFileSync(`${path}.incomplete`, filler?.repeat(length) ?? readFileSync(path).subarray(0, length));
  rmSync(path);
  hub.seen.length = 0;
}

test('a model is downloaded as far as it is read, once, and is the same as its directory', async () => {
  const progress: { done: number; total: number }[] = [];
  const { checkpoint, origin } = await open('hf:org/llama@v1', { onProgress: (each: never) => progress.push(each) });
  const { digest, close } = await loadCheckpoint(fixturePath('llama-grouped'));
  close();
  expect(checkpoint.digest).toBe(digest);
  expect(origin).toEqual([{ reference: 'hf:org/llama@v1', format: 'safetensors', commit: hub.commit }]);
  expect(filesAsked().sort()).toEqual(['README.md', 'config.json', 'model.safetensors']);
  expect(progress.at(-1)).toEqual({ stage: 'downloading (MB)', done: 1, total: 1 });
  hub.seen.length = 0;
  // As people write it.
  expect((await open('org/llama')).checkpoint.digest).toBe(digest);
  expect(filesAsked()).toEqual([]);
});

test('a download that breaks off goes on from there, within a run and in the next', async () => {
  hub.breakOffAfter = 3000;
  await open('hf:org/llama');
  expect(rangesAsked()).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);

  begin(5000);
  await open('hf:org/llama');
  expect(rangesAsked()).toEqual(['bytes=5000-']);
  expect(blobs().filter((name) => name.endsWith('.incomplete'))).toEqual([]);
});

test('what was begun is begun anew where the hub sends all of it, or where it was something else', async () => {
  await open('hf:org/llama');
  begin(5000);
  hub.ignoresRanges = true;
  await open('hf:org/llama');
  hub.ignoresRanges = false;
  begin(5000, 'x');
  const { checkpoint } = await open('hf:org/llama');
  expect(rangesAsked()).toEqual(['bytes=5000-', undefined]);
  const whole = await loadCheckpoint(fixturePath('llama-grouped'));
  whole.close();
  expect(checkpoint.digest).toBe(whole.digest);
});

test('two that download the same at once both have it', async () => {
  const both = await Promise.all([open('hf:org/llama'), open('hf:org/llama')]);
  expect(new Set(both.map(({ checkpoint }) => checkpoint.digest)).size).toBe(1);
});

test('what is stopped leaves what it has, and no file that is not whole under its name', async () => {
  const controller = new AbortController();
  let told = 0;
  const onProgress = () => {
    // Behind the small files, within the weights.
    if (++told > 5) controller.abort(new Error('enough'));
  };
  await expect(open('hf:org/llama', { signal: controller.signal, onProgress })).rejects.toThrow('enough');
  const snapshot = join(cache, 'models--org--llama', 'snapshots', hub.commit);
  expect(existsSync(join(snapshot, 'model.safetensors'))).toBe(false);
  await open('hf:org/llama');
  expect(statSync(join(snapshot, 'model.safetensors')).size).toBe(llama['model.safetensors'].length);
});

test('a file with another digest than the hub states is not kept', async () => {
  await expect(open('hf:org/damaged')).rejects.toMatchObject({ code: 'hub_checksum' });
  const kept = readdirSync(join(cache, 'models--org--damaged', 'blobs'));
  expect(kept.filter((name) => name.startsWith('0000'))).toEqual([]);
});

test('what a hub lists outside of the top of a repository is left alone', async () => {
  await open('hf:org/evil');
  expect(filesAsked().sort()).toEqual(['config.json', 'model.safetensors']);
  expect(readdirSync(cache)).toEqual(['models--org--evil']);
});

test('what would fill the disk is not begun', async () => {
  await expect(open('hf:org/huge')).rejects.toMatchObject({ code: 'hub_disk_full' });
  expect(filesAsked()).toEqual([]);
});

test('a token opens what is gated, and goes to the hub alone', async () => {
  await expect(open('hf:org/gated')).rejects.toMatchObject({
    code: 'hub_gated',
    message: expect.stringMatching(/licence.*HF_TOKEN/),
  });
  vi.stubEnv('HF_TOKEN', 'wrong');
  await expect(open('hf:org/gated')).rejects.toMatchObject({ code: 'hub_gated' });
  vi.stubEnv('HF_TOKEN', 'secret');
  await open('hf:org/gated');
  const elsewhere = hub.seen.filter((each) => each.elsewhere);
  expect(elsewhere.length).toBeGreaterThan(0);
  expect(elsewhere.map(({ authorization }) => authorization)).toEqual(elsewhere.map(() => undefined));
});

test.each([
  ['hf:org/nothing', 'hub_not_found', 'HF_TOKEN'],
  ['org/nothing', 'hub_not_found', 'here or on the hub'],
  ['hf:org/llama@v9', 'hub_revision_unknown', 'v9'],
  ['hf:org/garbled', 'hub_unreachable', 'not understood'],
  ['hf:org/pickled', 'hub_no_weights', 'pickle'],
  ['hf:org/ggufs', 'hub_no_weights', 'one.gguf, two.gguf'],
  ['hf:org/ggufs/three.gguf', 'hub_no_weights', 'three.gguf'],
  ['hf:llama', 'hub_name_malformed', 'hf:ORG/NAME'],
  ['hf:org/../x', 'hub_name_malformed', 'hf:ORG/NAME'],
] as const)('%s is refused by %s', async (reference, code, said) => {
  await expect(open(reference)).rejects.toMatchObject({ code, message: expect.stringContaining(said) });
});

test('a hub that does not answer is told of, and one that may not be asked is not asked', async () => {
  vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
  await expect(open('hf:org/llama')).rejects.toMatchObject({ code: 'hub_unreachable' });
  vi.stubEnv('HF_ENDPOINT', 'a mirror');
  await expect(open('hf:org/llama')).rejects.toMatchObject({ message: expect.stringContaining('no address') });
  await expect(open('hf:org/llama', { hub: false })).rejects.toMatchObject({ code: 'hub_disabled' });
});

test('without a hub what the cache holds is opened, and nothing else', async () => {
  await open('hf:org/llama@v1');
  await open('hf:org/gguf');
  vi.stubEnv('HF_HUB_OFFLINE', '1');
  hub.seen.length = 0;
  const { origin } = await open('hf:org/llama@v1');
  expect(origin[0]?.commit).toBe(hub.commit);
  expect((await open('hf:org/gguf')).origin[0]?.format).toBe('gguf');
  await expect(open('hf:org/llama@other')).rejects.toMatchObject({ code: 'hub_offline' });
  expect(hub.seen).toEqual([]);
});

test('a GGUF file of the hub is found alone, or by its name', async () => {
  expect((await open('hf:org/gguf')).origin).toEqual([
    { reference: 'hf:org/gguf', format: 'gguf', commit: hub.commit },
  ]);
  await open('hf:org/ggufs/two.gguf');
});

test('an adapter of the hub brings its base from there, and looks at nothing on this machine', async () => {
  const { origin } = await open('hf:org/adapter');
  expect(origin).toEqual([
    { reference: 'hf:org/adapter', format: 'adapter', commit: hub.commit },
    { reference: 'org/llama', format: 'safetensors', commit: hub.commit },
  ]);
  await expect(open('hf:org/nosy')).rejects.toMatchObject({ code: 'adapter_base_unknown' });
  await open('hf:org/nosy', { base: fixturePath('llama-grouped') });
});

test('references are understood wherever they are read, and what is here goes first', () => {
  expect(absoluteReference('org/llama@v1', folder)).toBe('hf:org/llama@v1');
  expect(absoluteReference('hf:org/llama/one.gguf', folder)).toBe('hf:org/llama/one.gguf');
  expect(absoluteReference('./org/llama', folder)).toBe(join(folder, 'org/llama'));
  expect(absoluteReference('models/one.gguf', folder)).toBe(join(folder, 'models/one.gguf'));
  const [, ...rest] = cache.split('/');
  expect(absoluteReference(`${rest.at(-2)}/${rest.at(-1)}`, join(folder, '..'))).toBe(cache);
});
