// When the database goes away, callers learn that it did; when it is back, work goes on over the same handle.
import { createServer, type Socket } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { lineTo } from '../../../../test/support/database.ts';
import { explainOutage, listModels, openLineage } from '../index.ts';
import { openFixture } from '../lineage.fixture.ts';

const fixture = await openFixture();
const sockets = new Set<Socket>();
const proxy = createServer((socket) => {
  const upstream = lineTo(fixture.url);
  for (const end of [socket, upstream]) {
    sockets.add(end);
    end.on('error', () => end.destroy());
  }
  socket.pipe(upstream).pipe(socket);
});
const listen = (at: number) => new Promise<void>((resolve) => proxy.listen(at, '127.0.0.1', resolve));
const cut = () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
};
await listen(0);
const address = proxy.address();
if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
const through = new URL(fixture.url);
through.host = `127.0.0.1:${address.port}`;
const db = await openLineage(through.href, { poolSize: 2 });
afterAll(async () => {
  await db.close();
  cut();
  proxy.close();
  await fixture.close();
});

const explained = (work: Promise<unknown>) => work.then(() => 'done', explainOutage);

test('a cut within a transaction, a refused connection, and recovery', async () => {
  const broken = db.prisma.$transaction(async (tx) => {
    await tx.$queryRaw`SELECT 1`;
    cut();
    await tx.$queryRaw`SELECT 2`;
  });
  expect(await explained(broken)).toMatchObject({ code: 'unavailable' });
  proxy.close();
  cut();
  expect(await explained(listModels(db))).toMatchObject({ code: 'unavailable' });
  expect(await explained(db.prisma.$queryRaw`SELECT 1`)).toMatchObject({ code: 'unavailable' });
  expect(await explained(db.prisma.$transaction(async (tx) => tx.$queryRaw`SELECT 1`))).toMatchObject({
    code: 'unavailable',
  });
  await listen(address.port);
  expect((await listModels(db)).data).toEqual([]);
});

test('a defect stays a defect', async () => {
  const defect = new TypeError('x is not a function');
  expect(explainOutage(defect)).toBe(defect);
  expect(await explained(db.prisma.$queryRaw`SELECT * FROM no_such_table`)).not.toMatchObject({ code: 'unavailable' });
});
