// Versions that are kept open: before anybody asks, where their names move to, and in a process that took the place of another.
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type ApiFixture, openApi } from '../../../../test/support/api.ts';
import { writeTinyModel } from '../../../../test/support/tiny-model.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi();
  const tiny = await writeTinyModel();
  const { digest, files } = await api.engine.call('importModel', { path: tiny.path });
  tiny.remove();
  const stored = files.map(({ name, sha256, size }) => ({ path: name, blob: sha256, bytes: size }));
  await api.importModel('tiny', stored, digest);
});
afterAll(() => api.close());

test('names are followed, and one that stands for nothing is told of and waited for', async () => {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk, _, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const app = await api.another({ warmModels: ['tiny@production', 'nobody'], logger: pino(sink) });
  const complaints = () => lines.filter((line) => line.includes('not kept warm')).map((line) => JSON.parse(line).name);
  await vi.waitFor(() => expect(complaints()).toEqual(['tiny@production', 'nobody']), { timeout: 10_000 });
  expect(api.servers.pids()).toEqual([]);
  const put = () =>
    app.inject({
      method: 'PUT',
      url: '/v1/models/tiny/aliases/production',
      headers: { authorization: `Bearer ${api.key}` },
      payload: { version: 'main' },
    });
  expect((await put()).statusCode).toBe(200);
  await vi.waitFor(() => expect(api.servers.pids()).toHaveLength(1), { timeout: 10_000 });
  expect(complaints()).toEqual(['tiny@production', 'nobody']);
  const [pid] = api.servers.pids();
  process.kill(pid!, 'SIGKILL');
  await vi.waitFor(() => expect(api.servers.pids()).toEqual([]), { timeout: 10_000 });
  await put();
  await vi.waitFor(() => expect(api.servers.pids()).toHaveLength(1), { timeout: 10_000 });
  await app.close();
});
