// The disk store keeps what it was given, notices what was changed behind its back, and leaves nothing half-written.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ErrataError, sha256 } from '@errata/contracts';
import { failpoints } from '@errata/failpoints';
import { afterAll, expect, test } from 'vitest';
import { openDiskStore } from './index.ts';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'errata-blobs-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

let stores = 0;
async function newStore() {
  stores += 1;
  const directory = join(folder, String(stores));
  return { directory, store: await openDiskStore(directory) };
}
const drafts = (directory: string) => readdir(join(directory, 'tmp'));
const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
};

test('a changed byte and a lost tail are noticed on reading and mended by storing again', async () => {
  const { store } = await newStore();
  const bytes = randomBytes(5000);
  const { sha256: name } = await store.put(bytes);
  const file = await store.path(name);
  for (const damage of [
    () => writeFile(file, Buffer.from(bytes.map((byte, index) => (index === 4321 ? byte ^ 1 : byte)))),
    () => truncate(file, 4000),
    () => truncate(file, 0),
  ]) {
    await damage();
    await expect(store.get(name)).rejects.toMatchObject({ code: 'blob_corrupt', details: { blob: name } });
    await expect(store.path(name)).rejects.toMatchObject({ code: 'blob_corrupt' });
    await store.put(bytes);
    expect(await store.get(name)).toEqual(bytes);
  }
  await truncate(file, 4000);
  await expect(store.path(name, { size: 5000 })).rejects.toMatchObject({ code: 'blob_corrupt' });
});

test('many writers of one blob, through two stores on one directory, leave one whole file', async () => {
  const { directory, store } = await newStore();
  const other = await openDiskStore(directory);
  const bytes = randomBytes(100_000);
  const puts = Array.from({ length: 16 }, (_, index) => (index % 2 === 0 ? store : other).put([bytes]));
  expect(new Set((await Promise.all(puts)).map((put) => put.sha256))).toEqual(new Set([sha256(bytes)]));
  expect(await all(store.list())).toHaveLength(1);
  expect(await other.get(sha256(bytes))).toEqual(bytes);
  expect(await drafts(directory)).toEqual([]);
});

test('an error of the source is passed on as it was, and its beginning is not kept', async () => {
  const { directory, store } = await newStore();
  await expect(store.put(createReadStream(join(directory, 'absent')))).rejects.toMatchObject({ code: 'ENOENT' });
  async function* breaking() {
    yield randomBytes(1000);
    throw new ErrataError('invalid_checkpoint', 'broken off');
  }
  await expect(store.put(breaking())).rejects.toMatchObject({ code: 'invalid_checkpoint' });
  expect(await drafts(directory)).toEqual([]);
  expect(await all(store.list())).toEqual([]);
});

test('a stream that fails before its first chunk is asked for fails the put, not the process', async () => {
  const { directory, store } = await newStore();
  const failing = new Readable({ read: () => {} });
  process.nextTick(() => failing.destroy(new Error('gone')));
  await expect(store.put(failing)).rejects.toThrow('gone');
  expect(await drafts(directory)).toEqual([]);
});

test('drafts of dead writers are swept once they are a day old', async () => {
  const { directory } = await newStore();
  const [old, young] = [join(directory, 'tmp', 'old'), join(directory, 'tmp', 'young')];
  await writeFile(old, 'half');
  await writeFile(young, 'half');
  const longAgo = new Date(Date.now() - 25 * 3600 * 1000);
  await utimes(old, longAgo, longAgo);
  await openDiskStore(directory);
  expect(await drafts(directory)).toEqual(['young']);
});

/** Puts 8 MiB and then 1 KiB in a process of its own, and reports how each went and what is left behind. */
const filler = fileURLToPath(new URL('./fill-store.fixture.ts', import.meta.url));
const fill = ['--import', 'tsx', filler];
const whenFull = { large: 'storage_full', small: 'stored', readable: true, drafts: 0, blobs: 1 };

test('a write beyond the limit of the system ends in storage_full, with nothing half-written', async () => {
  const { directory } = await newStore();
  const script = `ulimit -f 4096; exec "$0" "$@"`;
  const { stdout } = await run('bash', ['-c', script, process.execPath, ...fill, directory]);
  expect(JSON.parse(stdout)).toEqual(whenFull);
});

const mountPoint = join(folder, 'small-disk');
await mkdir(mountPoint);
const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mountPoint]).then(
  () => true,
  () => false,
);
if (!mounted) console.log('No file system can be mounted here: the full-disk test is skipped.');
test.skipIf(!mounted)('a full disk ends in storage_full, with nothing half-written', async () => {
  try {
    const { stdout } = await run(process.execPath, [...fill, join(mountPoint, 'store')]);
    expect(JSON.parse(stdout)).toEqual(whenFull);
  } finally {
    await run('umount', [mountPoint]);
  }
});

test('a writer killed at any step leaves either no blob or a whole one', async () => {
  for (const place of failpoints.filter((name) => name.startsWith('blob.'))) {
    const { directory, store } = await newStore();
    const env = { ...process.env, ERRATA_FAILPOINT: `${place}:kill` };
    await expect(run(process.execPath, [...fill, directory], { env })).rejects.toMatchObject({ signal: 'SIGKILL' });
    const found = await all(store.list());
    expect(found).toHaveLength(place === 'blob.after_rename' ? 1 : 0);
    for (const entry of found) expect(await store.get(entry.sha256)).toHaveLength(entry.size);
  }
});

test('a blob that is put while it is being deleted is there afterwards', async () => {
  const { directory, store } = await newStore();
  const bytes = randomBytes(2000);
  const { sha256: name } = await store.put(bytes);
  const file = await store.path(name);
  const longAgo = new Date(Date.now() - 3600 * 1000);
  const age = () => utimes(file, longAgo, longAgo);
  const gone = () => store.delete(name, { ifStoredAt: longAgo });
  expect(await gone(), 'it is young').toBe(false);
  await age();
  await store.put(bytes);
  expect(await gone(), 'it was put again').toBe(false);

  // Many rounds of a race: whichever comes first, who put it finds it.
  for (let round = 0; round < 40; round++) {
    await store.put(bytes);
    await age();
    const [deleted, put] = await Promise.all([gone(), store.put(bytes)]);
    expect(put.sha256).toBe(name);
    expect(await store.get(name), `round ${round}, ${deleted}`).toEqual(bytes);
  }
  await age();
  expect(await gone()).toBe(true);
  expect(await gone()).toBe(false);
  expect(await drafts(directory)).toEqual([]);
});

test('what was set aside by a process that died is put back when the store is opened', async () => {
  const { directory, store } = await newStore();
  const bytes = randomBytes(100);
  const { sha256: name } = await store.put(bytes);
  await rename(await store.path(name), join(directory, 'tmp', `${name}.deleted`));
  expect(await store.has(name)).toBe(false);
  expect(await (await openDiskStore(directory)).get(name)).toEqual(bytes);
  expect(await drafts(directory)).toEqual([]);
});

test('a directory that cannot be written ends in storage_failed', async () => {
  const file = join(folder, 'a-file');
  await writeFile(file, '');
  await expect(openDiskStore(join(file, 'store'))).rejects.toMatchObject({
    code: 'storage_failed',
    details: { system: 'ENOTDIR' },
  });
});
