// An alias that moves while clients stream from it: no answer fails, and each is of one version from its first chunk to its last.
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDiskStore } from '@errata/blobs';
import { decoderSpec, encodeDelta, valueMatrix } from '@errata/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';
import { tinyConfig, writeTinyModel } from '../../../../test/support/tiny-model.ts';

const clients = 32;
const moves = 100;
const asked = { prompt: 'The river', max_tokens: 6, temperature: 0 };

let api: ApiFixture;
let url: string;
/** Versions, each with what it answers. */
const answers = new Map<string, string>();

beforeAll(async () => {
  api = await openApi({}, { engines: 2 });
  const tiny = await writeTinyModel();
  const { digest, files } = await api.engine.call('importModel', { path: tiny.path });
  tiny.remove();
  const stored = files.map(({ name, sha256, size }) => ({ path: name, blob: sha256, bytes: size }));
  const { root, lane } = await api.importModel('tiny', stored, digest);
  const store = await openDiskStore(api.blobsDir);
  const versions = [root];
  for (const layer of [0, 1, 2]) {
    const { weight: tensor, inSize, outSize } = valueMatrix(decoderSpec(tinyConfig), layer);
    const [left, right] = [inSize, outSize].map((size) =>
      Float32Array.from({ length: size }, (_, i) => Math.sin(layer + i)),
    );
    const { sha256: blob } = await store.put(
      encodeDelta({ kind: 'low_rank', tensor, rank: 1, left: left!, right: right! }),
    );
    await api.post('/v1/edit_jobs', { model: 'tiny', branch: 'main', edits: [anEdit(`Town ${layer}`)] });
    versions.push(await api.carryOut(lane, { kind: 'low_rank', blob }));
  }
  for (const version of versions) {
    const { body } = await api.post('/v1/completions', { ...asked, model: `tiny@${version}` });
    answers.set(version, body.choices[0].text);
  }
  await api.call('PUT', '/v1/models/tiny/aliases/production', { body: { version: root } });
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`;
});
afterAll(() => api.close());

/** One streamed answer of the alias: which version it says it is of, wherever it says so, and its text. */
async function streamOnce() {
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${api.key}` },
    body: JSON.stringify({ ...asked, model: 'tiny@production', stream: true }),
  });
  const events = (await response.text()).split('\n\n').filter((event) => event !== '');
  const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)));
  return {
    status: response.status,
    ended: events.at(-1),
    versions: [...new Set([response.headers.get('errata-version'), ...chunks.map(({ version }) => version)])],
    text: chunks.map(({ choices: [choice] }) => choice.text).join(''),
  };
}

test(`${clients} clients stream from an alias that moves ${moves} times`, async () => {
  expect(new Set(answers.values()).size).toBe(4);
  let moving = true;
  const heard = new Map<string, number>();
  const client = async () => {
    while (moving) {
      const { status, ended, versions, text } = await streamOnce();
      expect({ status, ended, count: versions.length }).toEqual({ status: 200, ended: 'data: [DONE]', count: 1 });
      const [version] = versions as [string];
      expect(text).toBe(answers.get(version));
      heard.set(version, (heard.get(version) ?? 0) + 1);
      // Most of the time is for moves: hundreds of answers are in flight while there are a hundred.
      await sleep(400);
    }
  };
  const all = Promise.all(Array.from({ length: clients }, client));
  all.catch(() => {
    moving = false;
  });
  const versions = [...answers.keys()];
  for (let move = 0; move < moves && moving; move++) {
    const version = versions[(move + 1) % versions.length];
    const { status } = await api.call('PUT', '/v1/models/tiny/aliases/production', { body: { version } });
    expect(status).toBe(200);
  }
  moving = false;
  await all;
  expect([...heard.keys()].toSorted()).toEqual(versions.toSorted());
  expect(await api.query('SELECT count(*)::int AS n FROM alias_moves')).toEqual([{ n: moves + 1 }]);
  expect(api.servers.pids()).toHaveLength(2);
});
