// What is measured: an API over a model with versions of it, and its serving process.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { openDiskStore } from '@errata/blobs';
import { startPostgres } from '@errata/local-services';
import { encodeDelta, endIds, loadCheckpoint, openModel, uniform, valueMatrix, writeExport } from '@errata/models';
import { anEdit, openApi } from '../../test/support/api.ts';
import { processorSeconds } from '../processor-time.ts';

export type Stand = Awaited<ReturnType<typeof openStand>>;

/** Opens an API with a model and versions of it, each of one rank-one edit, on a branch of its own. */
export async function openStand(directory: string, versions: number, threads: number) {
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-'));
  await chmod(folder, 0o755); // PostgreSQL may have to run as another user
  const server = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
  const api = await openApi({ completionQueue: 1000 }, { postgresUrl: server.url, threads });
  const { digest, files } = await api.engine.call('importModel', { path: directory });
  const stored = files.map(({ name, sha256, size }) => ({ path: name, blob: sha256, bytes: size }));
  const name = basename(directory);
  await api.importModel(name, stored, digest);
  const checkpoint = await loadCheckpoint(directory);
  const model = openModel(checkpoint);
  const gguf = join(folder, 'gguf');
  const leaving = { checkpoint, model, view: model.view(), name: null, base: name };
  await writeExport(gguf, leaving, { form: 'gguf', dtype: 'float32' });
  const ends = endIds(checkpoint);
  checkpoint.close();
  const store = await openDiskStore(api.blobsDir);
  const { weight: tensor, inSize, outSize } = valueMatrix(model.spec, Math.floor(model.spec.layers / 3));
  const models: string[] = [];
  for (let n = 0; n < versions; n++) {
    const noise = (stream: number, size: number) => {
      const next = uniform(7, stream);
      return Float32Array.from({ length: size }, () => 0.02 * (2 * next() - 1));
    };
    const delta = encodeDelta({
      kind: 'low_rank',
      tensor,
      rank: 1,
      left: noise(2 * n, inSize),
      right: noise(2 * n + 1, outSize),
    });
    const { sha256: blob } = await store.put(delta);
    const { body } = await api.post(`/v1/models/${name}/branches`, { name: `b${n}` });
    await api.post('/v1/edit_jobs', { model: name, branch: `b${n}`, edits: [anEdit(`Town ${n}`)] });
    await api.carryOut(`branch:${body.id}`, { kind: 'low_rank', blob });
    models.push(`${name}@b${n}`);
  }
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = api.app.server.address() as AddressInfo;
  return {
    /** Names of the versions. */
    models,
    /** The model, open in this process. */
    model,
    /** Its GGUF file, in float32. */
    gguf: join(gguf, 'model.gguf'),
    endBias: Object.fromEntries(ends.map((id) => [id, -100])),
    url: `http://127.0.0.1:${port}/v1/completions`,
    headers: { authorization: `Bearer ${api.key}` },
    pids: () => api.servers.pids(),
    /** Seconds of processor time that the serving process has had; NaN where it cannot be known. */
    servingSeconds: () => api.servers.pids().reduce((sum, pid) => sum + (processorSeconds(pid) ?? Number.NaN), 0),
    close: async () => {
      await model.release();
      await api.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
