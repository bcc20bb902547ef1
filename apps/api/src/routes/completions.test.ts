// Completions by a real engine on a tiny model: by name, branch and version, each answer naming the version that gave it.
import { openDiskStore } from '@errata/blobs';
import { canonicalJson } from '@errata/contracts';
import { decoderSpec, encodeDelta, valueMatrix } from '@errata/models';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';
import { tinyConfig, writeTinyModel } from '../../../../test/support/tiny-model.ts';

let api: ApiFixture;
let root: string;
let modelId: string;
beforeAll(async () => {
  api = await openApi({ completionQueue: 2 });
  const tiny = await writeTinyModel();
  const { digest, files } = await api.engine.call('importModel', { path: tiny.path });
  tiny.remove();
  const stored = files.map(({ name, sha256, size }) => ({ path: name, blob: sha256, bytes: size }));
  ({ id: modelId, root } = await api.importModel('tiny', stored, digest));
  await api.post('/v1/models/tiny/branches', { name: 'try' });
});
afterAll(() => api.close());

test('a name, a branch, a version and a prefix of one stand for what they say', async () => {
  const answers = [];
  for (const model of ['tiny', modelId, 'tiny@main', 'tiny@try', `tiny@${root}`, `tiny@${root.slice(0, 16)}`]) {
    const { status, headers, body } = await api.post('/v1/completions', {
      model,
      prompt: 'The capital of',
      max_tokens: 5,
      temperature: 0,
    });
    expect({ model, status, version: headers['errata-version'], said: body.version, asked: body.model }).toEqual({
      model,
      status: 200,
      version: root,
      said: root,
      asked: model,
    });
    expect(body).toMatchObject({ object: 'text_completion', choices: [{ index: 0 }] });
    answers.push(body.choices[0].text);
  }
  expect(new Set(answers).size).toBe(1);
});

test('the weights of two versions are compared by norm and rank', async () => {
  const store = await openDiskStore(api.blobsDir);
  const { weight: tensor, inSize, outSize } = valueMatrix(decoderSpec(tinyConfig), 1);
  const [left, right] = [inSize, outSize].map((size) => Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1)));
  const delta = encodeDelta({ kind: 'low_rank', tensor, rank: 1, left: left!, right: right! });
  const { sha256: blob } = await store.put(delta);
  const side = await api.post('/v1/models/tiny/branches', { name: 'compared' });
  await api.post('/v1/edit_jobs', { model: 'tiny', branch: 'compared', edits: [anEdit('France')] });
  const version = await api.carryOut(`branch:${side.body.id}`, { kind: 'low_rank', blob });
  const norm = Math.hypot(...left!) * Math.hypot(...right!);
  const { body } = await api.get(`/v1/versions/${root}/diff/${version}/weights`);
  expect(body).toMatchObject({
    object: 'weights_diff',
    from: root,
    to: version,
    tensors: [{ tensor, shape: [inSize, outSize], rank: { value: 1, at_least: false } }],
    memories: [],
    codebooks: [],
  });
  expect(body.tensors[0].norm).toBeCloseTo(norm, 3);
  expect((await api.get(`/v1/versions/${version}/diff/${version}/weights`)).body.tensors).toEqual([]);
  await api.call('PUT', '/v1/models/tiny/aliases/production', { body: { version: 'compared' } });
  const ask = (model: string) => api.post('/v1/completions', { model, prompt: 'Oz', max_tokens: 2, temperature: 0 });
  const [served, moved] = [await ask('tiny@production'), await ask('tiny@compared')];
  expect(served.headers['errata-version']).toBe(version);
  expect(served.body.choices).toEqual(moved.body.choices);
});

test('a version of the past that is dear to open is stored whole by whoever serves it, and answers as before', async () => {
  const store = await openDiskStore(api.blobsDir);
  const { weight: tensor, inSize, outSize } = valueMatrix(decoderSpec(tinyConfig), 0);
  const side = await api.post('/v1/models/tiny/branches', { name: 'long' });
  const ask = async (version: string) => {
    const answer = await api.post('/v1/completions', {
      model: `tiny@${version}`,
      prompt: 'Oz',
      max_tokens: 4,
      temperature: 0,
    });
    expect(answer.status).toBe(200);
    return answer.body.choices;
  };
  const answers = new Map<string, unknown>();
  const stored = () => api.query('SELECT version_id FROM snapshots WHERE used_at IS NOT NULL');
  // What replaying takes grows with every edit and what loading takes does not: it pays sooner or later on any machine.
  for (let n = 0; (await stored()).length === 0; n++) {
    const [left, right] = [inSize, outSize].map((size) =>
      Float32Array.from({ length: size }, (_, i) => Math.cos(n + i)),
    );
    const delta = encodeDelta({ kind: 'low_rank', tensor, rank: 1, left: left!, right: right! });
    const { sha256: blob } = await store.put(delta);
    await api.post('/v1/edit_jobs', { model: 'tiny', branch: 'long', edits: [anEdit(`Town ${n}`)] });
    const version = await api.carryOut(`branch:${side.body.id}`, { kind: 'low_rank', blob });
    answers.set(version, await ask(version));
  }
  const [{ version_id }] = (await stored()) as [{ version_id: string }];
  expect(answers.has(version_id)).toBe(true);
  expect(await ask(version_id)).toEqual(answers.get(version_id));
});

test('several prompts are answered in order, and tokens are counted', async () => {
  const prompt = ['The capital of', 'Oz is'];
  const { body } = await api.post('/v1/completions', { model: 'tiny', prompt, max_tokens: 3, temperature: 1, seed: 7 });
  expect(body.choices.map(({ index }: { index: number }) => index)).toEqual([0, 1]);
  const { prompt_tokens, completion_tokens, total_tokens } = body.usage;
  expect([prompt_tokens > 0, total_tokens]).toEqual([true, prompt_tokens + completion_tokens]);
  const again = await api.post('/v1/completions', { model: 'tiny', prompt, max_tokens: 3, temperature: 1, seed: 7 });
  expect(again.body.choices).toEqual(body.choices);
});

test('what clients send at its neutral value, or as null, changes nothing', async () => {
  const bare = { model: 'tiny', prompt: 'Oz is', temperature: 0 };
  const neutral = {
    ...{
      top_p: 1,
      n: 1,
      best_of: 1,
      frequency_penalty: 0,
      presence_penalty: 0,
      logit_bias: {},
      suffix: null,
      stop: null,
    },
    ...{
      stream: false,
      echo: false,
      logprobs: null,
      user: 'u',
      safety_identifier: 'u',
      prompt_cache_key: 'c',
      seed: -1,
      max_tokens: null,
      top_k: -1,
      min_p: 0,
    },
  };
  const plain = await api.post('/v1/completions', bare);
  expect(plain.body.usage.completion_tokens).toBe(16);
  expect((await api.post('/v1/completions', { ...bare, ...neutral })).body.choices).toEqual(plain.body.choices);
  const said = { model: 'tiny', temperature: 0, max_completion_tokens: 16 };
  const user = { role: 'user', content: [{ type: 'text', text: 'Oz is' }] };
  const asked = await api.post('/v1/chat/completions', { ...said, messages: [{ role: 'user', content: 'Oz is' }] });
  for (const messages of [
    [user],
    [
      { role: 'developer', content: null },
      { role: 'assistant', content: 'Oz', tool_calls: [] },
    ],
  ]) {
    const tools = { tools: [], tool_choice: 'auto', functions: [], response_format: { type: 'text' }, store: false };
    const { status, body } = await api.post('/v1/chat/completions', { ...said, ...tools, messages });
    expect([status, body.choices?.length]).toEqual([200, 1]);
    if (messages[0] === user) expect(body.choices[0].message).toEqual(asked.body.choices[0].message);
  }
});

test('biases and penalties act, and no seed is another answer each time', async () => {
  const ask = async (more: object) =>
    (await api.post('/v1/completions', { model: 'tiny', prompt: 'Oz is', max_tokens: 12, ...more })).body.choices[0]
      .text;
  expect(await ask({ temperature: 0, logit_bias: { 65: 100 } })).toBe('A'.repeat(12));
  expect(await ask({ temperature: 0, logit_bias: { 65: 60, 66: 59 }, presence_penalty: 2 })).toMatch(/^AB/);
  expect(await ask({})).not.toBe(await ask({}));
  expect(await ask({ seed: 7 })).toBe(await ask({ seed: 7 }));
});

test('a conversation is answered in the shape of conversations, and replayed under its key', async () => {
  const request = { model: 'tiny@try', messages: [{ role: 'user', content: 'The capital of Oz is' }], max_tokens: 3 };
  const headers = { 'idempotency-key': 'chat' };
  const first = await api.post('/v1/chat/completions', request, { headers });
  expect(first.body).toMatchObject({ object: 'chat.completion', choices: [{ message: { role: 'assistant' } }] });
  const second = await api.post('/v1/chat/completions', request, { headers });
  expect(canonicalJson(second.body)).toBe(canonicalJson(first.body));
  expect([second.headers['errata-version'], second.headers['idempotency-replayed']]).toEqual([root, 'true']);
});

describe('what cannot be answered', () => {
  test.each([
    [{ model: 'none' }, 404, 'unknown_model'],
    [{ model: 'tiny@none' }, 404, 'unknown_reference'],
    [{ model: 'tiny@ver_0000' }, 404, 'unknown_version'],
    [{ model: 'tiny@' }, 404, 'unknown_reference'],
    [{ prompt: 'word '.repeat(500) }, 422, 'prompt_too_long'],
    [{ prompt: [] }, 400, 'invalid_request'],
    [{ max_tokens: -1 }, 400, 'invalid_request'],
    [{ prompt: [1, 'Oz'] }, 400, 'invalid_request'],
    [{ prompt: [7, 257] }, 422, 'invalid_token_id'],
    [{ prompt: ['a', 'b'], n: 65 }, 400, 'invalid_request'],
    [{ best_of: 2 }, 400, 'invalid_request'],
    [{ logit_bias: { word: 1 } }, 400, 'invalid_request'],
    [{ logit_bias: { 257: 1 } }, 422, 'invalid_token_id'],
    [{ prompt: 'word '.repeat(500), stream: true }, 422, 'prompt_too_long'],
  ])('%j', async (fields, status, code) => {
    const answer = await api.post('/v1/completions', { model: 'tiny', prompt: 'Oz', ...fields });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test('more than may wait are turned away and told to come back', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => api.post('/v1/completions', { model: 'tiny', prompt: 'Oz', max_tokens: 40 })),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(2);
    for (const { status, body, headers } of refused) {
      expect([status, body.code, headers['retry-after']]).toEqual([503, 'unavailable', '1']);
    }
    expect((await api.post('/v1/completions', { model: 'tiny', prompt: 'Oz' })).status).toBe(200);
  });

  test('an engine that is killed fails its request and serves the next', async () => {
    const [pid] = api.servers.pids();
    const answering = api.post('/v1/completions', { model: 'tiny', prompt: 'Oz', max_tokens: 60 });
    process.kill(pid!, 'SIGKILL');
    const { status, body, text } = await answering;
    if (status !== 200) expect([status, body.code, body.retryable]).toEqual([503, 'engine_crashed', true]);
    expect(text).not.toContain('stderr');
    expect((await api.post('/v1/completions', { model: 'tiny', prompt: 'Oz' })).status).toBe(200);
    expect(api.servers.pids()).not.toContain(pid);
  });
});
