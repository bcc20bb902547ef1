// What every blob store does, wherever its bytes are: on a disk, or in a bucket of a real server.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ErrataError, sha256 } from '@errata/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type S3Server, s3Kinds, startS3 } from '../../../test/support/s3-server.ts';
import { type LocalBlobStore, openDiskStore } from './index.ts';
import { openS3Store } from './s3.ts';

const folder = await mkdtemp(join(tmpdir(), 'errata-stores-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

if (!s3Kinds.includes('versitygw')) console.log('No versitygw found: S3 is tested on s3rver alone.');

/** The same store, as another process on another machine sees it. */
type Opened = { readonly store: LocalBlobStore; readonly again: () => Promise<LocalBlobStore> };

let count = 0;
const places = [
  { name: 'disk', start: async () => null, open: async () => onDisk(join(folder, String(count++))) },
  ...s3Kinds.map((kind) => ({
    name: `S3, ${kind}`,
    start: () => startS3(kind),
    open: async (server: S3Server | null) => inBucket(server!.url(`store-${count++}`)),
  })),
];

async function onDisk(directory: string): Promise<Opened> {
  return { store: await openDiskStore(directory), again: () => openDiskStore(directory) };
}

async function inBucket(url: string): Promise<Opened> {
  const another = () =>
    openS3Store(url, join(folder, `cache-${count++}`), { mostBytes: 2 ** 30, partBytes: 5 * 1024 * 1024 });
  return { store: await another(), again: another };
}

const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
};

describe.each(places)('$name', ({ start, open }) => {
  let server: S3Server | null;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  test('bytes and streams come back under the digest of their content, here and elsewhere', async () => {
    const { store, again } = await open(server);
    const bytes = randomBytes(300_000);
    const name = sha256(bytes);
    async function* pieces() {
      for (let at = 0; at < bytes.length; at += 7777) yield bytes.subarray(at, at + 7777);
    }
    expect(await store.has(name)).toBe(false);
    expect(await store.put(pieces())).toEqual({ sha256: name, size: bytes.length });
    expect(await store.put(bytes)).toEqual({ sha256: name, size: bytes.length });
    for (const seen of [store, await again()]) {
      expect((await seen.get(name)).equals(bytes)).toBe(true);
      expect((await readFile(await seen.path(name))).equals(bytes)).toBe(true);
      expect(await seen.stat(name)).toMatchObject({ sha256: name, size: bytes.length });
      await seen.verify(name);
    }
    const empty = await store.put(new Uint8Array());
    expect(empty).toEqual({ sha256: sha256(''), size: 0 });
    expect(await (await again()).get(empty.sha256)).toHaveLength(0);
    expect((await all(store.list())).map((entry) => entry.sha256)).toEqual([name, empty.sha256].sort());
    expect([await store.delete(name), await store.delete(name), await store.has(name)]).toEqual([true, false, false]);
    await expect((await again()).get(name)).rejects.toMatchObject({ code: 'blob_missing' });
  });

  test('a blob of several parts comes back whole', async () => {
    const { store, again } = await open(server);
    const bytes = randomBytes(12 * 1024 * 1024 + 17);
    const { sha256: name } = await store.put(Readable.from([bytes.subarray(0, 999), bytes.subarray(999)]));
    const other = await again();
    expect(await other.stat(name)).toMatchObject({ size: bytes.length });
    expect((await other.get(name)).equals(bytes)).toBe(true);
  });

  test('a missing blob is named, and a name that is not a digest reaches no file and no server', async () => {
    const { store } = await open(server);
    const name = '0'.repeat(64);
    for (const ask of [store.get, store.path, store.verify])
      await expect(ask(name)).rejects.toMatchObject({ code: 'blob_missing', details: { blob: name } });
    expect(await store.stat(name)).toBeNull();
    await expect(store.get('../../etc/passwd')).rejects.toThrow('not the name of a blob');
    await expect(store.has('../../etc/passwd')).rejects.toThrow('not the name of a blob');
  });

  test('a file that lost its tail is noticed by its length', async () => {
    const { store } = await open(server);
    const bytes = randomBytes(5000);
    const { sha256: name } = await store.put(bytes);
    await truncate(await store.path(name), 4000);
    await store.put(bytes);
    expect(await store.get(name)).toEqual(bytes);
    expect(await readFile(await store.path(name, { size: 5000 }))).toEqual(bytes);
  });

  test('many writers of one blob leave one whole blob', async () => {
    const { store, again } = await open(server);
    const other = await again();
    const bytes = randomBytes(100_000);
    const puts = Array.from({ length: 16 }, (_, index) => (index % 2 === 0 ? store : other).put([bytes]));
    expect(new Set((await Promise.all(puts)).map((put) => put.sha256))).toEqual(new Set([sha256(bytes)]));
    expect(await all(store.list())).toHaveLength(1);
    expect((await (await again()).get(sha256(bytes))).equals(bytes)).toBe(true);
  });

  test('an error of the source is passed on as it was, and nothing of it is kept', async () => {
    const { store } = await open(server);
    async function* breaking() {
      yield randomBytes(1000);
      throw new ErrataError('invalid_checkpoint', 'broken off');
    }
    await expect(store.put(breaking())).rejects.toMatchObject({ code: 'invalid_checkpoint' });
    expect(await all(store.list())).toEqual([]);
  });

  test('a blob that is put while it is being deleted is there afterwards', async () => {
    const { store, again } = await open(server);
    const other = await again();
    const bytes = randomBytes(2000);
    const { sha256: name } = await store.put(bytes);
    const first = (await store.stat(name))!.storedAt;
    await sleep(5);
    await other.put(bytes);
    expect(await store.delete(name, { ifStoredAt: first }), 'it was put again').toBe(false);

    // Rounds of a race: whichever comes first, who put it finds it.
    for (let round = 0; round < 15; round++) {
      await store.put(bytes);
      const { storedAt } = (await store.stat(name))!;
      await sleep(5);
      const [deleted] = await Promise.all([store.delete(name, { ifStoredAt: storedAt }), other.put(bytes)]);
      expect(await other.has(name), `round ${round}, ${deleted}`).toBe(true);
      expect(await (await again()).get(name)).toEqual(bytes);
    }
    const { storedAt } = (await store.stat(name))!;
    expect(await store.delete(name, { ifStoredAt: storedAt })).toBe(true);
    expect(await store.delete(name)).toBe(false);
  });
});
