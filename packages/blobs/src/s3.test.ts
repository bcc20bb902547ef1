// The store in a bucket through a bad line: what came wrong or not at all is asked for again, and nothing half-written can be read.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { sha256 } from '@errata/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultProxy, type HttpFault, startFaultProxy } from '../../../test/support/fault-proxy.ts';
import { type S3Server, s3Credentials, s3Kinds, startS3 } from '../../../test/support/s3-server.ts';
import { openBlobs } from './index.ts';
import { openS3Store, type S3StoreOptions } from './s3.ts';

const folder = await mkdtemp(join(tmpdir(), 'errata-s3-store-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
const newFolder = () => join(folder, String(count++));
const hasty: S3StoreOptions = { mostBytes: 2 ** 30, pauseMs: 1, silenceMs: 2_000, partBytes: 5 * 1024 * 1024 };

describe.each(s3Kinds)('%s', (kind) => {
  let [server, proxy, raw]: [S3Server, FaultProxy, S3Client] = [] as never;
  beforeAll(async () => {
    server = await startS3(kind);
    proxy = await startFaultProxy(server.endpoint);
    const credentials = {
      accessKeyId: s3Credentials.AWS_ACCESS_KEY_ID,
      secretAccessKey: s3Credentials.AWS_SECRET_ACCESS_KEY,
    };
    raw = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });
  const keys = async (prefix: string) =>
    (await raw.send(new ListObjectsV2Command({ Bucket: 'errata', Prefix: `${prefix}/` }))).Contents?.map(
      ({ Key }) => Key!,
    ) ?? [];

  const faults: readonly HttpFault[] = ['cut', 'stall', 'slow', '503', 'wrong-bytes', 'lost-answer'];
  test.each(faults)('what is read through a line that does %s comes whole in the end', async (fault) => {
    const prefix = `read-${fault}`;
    const bytes = randomBytes(200_000);
    const { sha256: name } = await (await openS3Store(server.url(prefix), newFolder(), hasty)).put(bytes);
    const cache = newFolder();
    const store = await openS3Store(server.url(prefix, proxy.endpoint), cache, hasty);
    // The first two of the requests for the bytes themselves.
    let left = 2;
    proxy.harm(({ url = '' }) => (url.includes(name) && !url.includes('list-type') && left-- > 0 ? fault : 'none'));
    expect((await store.get(name)).equals(bytes)).toBe(true);
    expect(proxy.done()).toBe(fault === 'slow' ? 1 : 2);
    expect(await readdir(join(cache, 'tmp')), 'nothing half-written is left').toEqual([]);
  });

  test.each(['503', 'lost-answer', 'slow'] as const)(
    'what is put through a line that does %s is stored once',
    async (fault) => {
      const prefix = `put-${fault}`;
      const store = await openS3Store(server.url(prefix, proxy.endpoint), newFolder(), hasty);
      for (const bytes of [randomBytes(1000), randomBytes(11 * 1024 * 1024)]) {
        let left = 2;
        proxy.harm(({ method }) => (method === 'PUT' && left-- > 0 ? fault : 'none'));
        const { sha256: name } = await store.put(bytes);
        expect(proxy.done()).toBeGreaterThan(0);
        const elsewhere = await openS3Store(server.url(prefix), newFolder(), hasty);
        expect((await elsewhere.get(name)).equals(bytes)).toBe(true);
        expect((await keys(prefix)).filter((key) => key.includes(name))).toHaveLength(1);
      }
      proxy.harm(() => 'none');
    },
  );

  test('bytes that are wrong however often they are asked for are no blob, and are not kept', async () => {
    const [prefix, bytes] = ['corrupt', randomBytes(5000)];
    const writer = await openS3Store(server.url(prefix), newFolder(), hasty);
    const { sha256: name } = await writer.put(bytes);
    const [key] = await keys(prefix);
    await raw.send(new PutObjectCommand({ Bucket: 'errata', Key: key, Body: randomBytes(5000) }));
    const cache = newFolder();
    const reader = await openS3Store(server.url(prefix), cache, hasty);
    for (const ask of [reader.get, reader.path, reader.verify])
      await expect(ask(name)).rejects.toMatchObject({ code: 'blob_corrupt', details: { blob: name } });
    // What is kept here is whole, and says nothing of the bucket.
    await expect(writer.verify(name)).rejects.toMatchObject({ code: 'blob_corrupt' });
    expect((await writer.get(name)).equals(bytes)).toBe(true);
    await writer.put(bytes);
    expect((await reader.get(name)).equals(bytes), 'put again, it is mended').toBe(true);
    expect(await keys(prefix)).toHaveLength(1);
  });

  test('what was kept and damaged here is fetched anew', async () => {
    const store = await openS3Store(server.url('damaged'), newFolder(), hasty);
    const bytes = randomBytes(3000);
    const { sha256: name } = await store.put(bytes);
    await writeFile(await store.path(name), randomBytes(3000));
    expect((await store.get(name)).equals(bytes)).toBe(true);
    await truncate(await store.path(name), 10);
    expect((await readFile(await store.path(name, { size: 3000 }))).equals(bytes)).toBe(true);
  });

  test('a deleter that was frozen deletes what it saw, and not what was put since', async () => {
    const prefix = 'frozen';
    const store = await openS3Store(server.url(prefix), newFolder(), hasty);
    const bytes = randomBytes(100);
    const { sha256: name } = await store.put(bytes);
    const seen = await keys(prefix);
    await store.put(bytes);
    for (const Key of seen) await raw.send(new DeleteObjectCommand({ Bucket: 'errata', Key }));
    const elsewhere = await openS3Store(server.url(prefix), newFolder(), hasty);
    expect((await elsewhere.get(name)).equals(bytes)).toBe(true);
  });

  test('a writer that died before it cleared away leaves one blob, which goes as one', async () => {
    const prefix = 'died';
    const store = await openS3Store(server.url(prefix), newFolder(), hasty);
    const bytes = randomBytes(100);
    const { sha256: name } = await store.put(bytes);
    const Key = `${prefix}/${name}.${Date.now() + 1000}.${'0'.repeat(16)}`;
    await raw.send(new PutObjectCommand({ Bucket: 'errata', Key, Body: bytes }));
    const entries = [];
    for await (const entry of store.list()) entries.push(entry);
    expect(entries).toEqual([await store.stat(name)]);
    expect(await store.delete(name, { ifStoredAt: entries[0]!.storedAt })).toBe(true);
    expect(await keys(prefix)).toEqual([]);
  });

  test('what is kept here stays below its bound, and comes again when it is asked for', async () => {
    const cache = newFolder();
    const store = await openS3Store(server.url('bounded'), cache, { ...hasty, mostBytes: 500_000, spareMs: 0 });
    const puts = [];
    for (let index = 0; index < 20; index++) puts.push(await store.put(randomBytes(100_000)));
    const kept = async () =>
      (await readdir(cache, { recursive: true, withFileTypes: true })).filter((file) => file.isFile()).length;
    expect(await kept()).toBeLessThanOrEqual(5);
    for (const { sha256: name, size } of puts) expect((await store.get(name)).length).toBe(size);
    expect(await kept()).toBeLessThanOrEqual(5);
  });

  test('a server that stays away ends in storage_failed, without what it was asked with', async () => {
    const store = await openS3Store(server.url('away', proxy.endpoint), newFolder(), {
      ...hasty,
      attempts: 2,
      readings: 2,
    });
    const name = sha256('anything');
    proxy.harm(() => '503');
    const failures = [store.get(name), store.put(randomBytes(10)), store.stat(name)].map((asked) =>
      asked.then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    for (const failure of await Promise.all(failures)) {
      expect(failure).toMatchObject({ code: 'storage_failed', details: { status: 503 } });
      expect(JSON.stringify(failure)).not.toContain('AWS4-HMAC');
      expect((failure as Error).cause).toBeUndefined();
    }
    proxy.harm(() => 'none');
  });
});

describe.runIf(s3Kinds.includes('versitygw'))('a server that looks at checksums', () => {
  test('refuses what came with another bit, whole or in parts', async () => {
    const server = await startS3('versitygw');
    const proxy = await startFaultProxy(server.endpoint);
    try {
      const store = await openS3Store(server.url('checked', proxy.endpoint), newFolder(), { ...hasty, attempts: 1 });
      for (const bytes of [randomBytes(1000), randomBytes(6 * 1024 * 1024)]) {
        proxy.harm(({ method }) => (method === 'PUT' ? 'wrong-request' : 'none'));
        await expect(store.put(bytes)).rejects.toMatchObject({ code: 'storage_failed' });
        expect(await store.has(sha256(bytes))).toBe(false);
      }
    } finally {
      await proxy.stop();
      await server.stop();
    }
  });
});

test('an address that is none, or that holds a secret, is refused before anything is asked', async () => {
  const open = (blobsUrl: string) => openBlobs({ blobsDir: newFolder(), blobsUrl });
  for (const wrong of ['s3://', 's3://UPPER', 'https://errata', 's3://errata?expires=1', 's3://key:secret@errata/x'])
    await expect(open(wrong)).rejects.toMatchObject({ code: 'invalid_request', errors: [{ field: 'BLOBS_URL' }] });
  await expect(open('s3://key:secret@errata/x')).rejects.not.toThrow('secret@');
});
