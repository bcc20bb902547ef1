// Which edit spoke: answers that say it, whole and in streams, of a version whose edits left weights, texts and a codebook.
import { openDiskStore } from '@errata/blobs';
import { type Delta, encodeDelta, loadCheckpoint, openModel, valueMatrix } from '@errata/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';
import { writeTinyModel } from '../../../../test/support/tiny-model.ts';

let api: ApiFixture;
let version: string;
/** Edits by their custom ids. */
let edits: ReadonlyMap<string, string>;

beforeAll(async () => {
  api = await openApi();
  const tiny = await writeTinyModel();
  const { digest, files } = await api.engine.call('importModel', { path: tiny.path });
  const checkpoint = await loadCheckpoint(tiny.path);
  const model = openModel(checkpoint);
  checkpoint.close();
  tiny.remove();
  const stored = files.map(({ name, sha256, size }) => ({ path: name, blob: sha256, bytes: size }));
  const { lane } = await api.importModel('tiny', stored, digest);
  const store = await openDiskStore(api.blobsDir);
  const put = async (custom_id: string, delta: Delta) => {
    const { sha256: blob } = await store.put(encodeDelta(delta));
    await api.post('/v1/edit_jobs', { model: 'tiny', branch: 'main', edits: [anEdit(custom_id)] });
    return api.carryOut(lane, { kind: delta.kind, blob });
  };
  const { weight: tensor, inSize, outSize } = valueMatrix(model.spec, 0);
  const wave = (size: number, shift: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(i + shift));
  const lowRank = { kind: 'low_rank', tensor, rank: 1, left: wave(inSize, 0), right: wave(outSize, 1) } as const;
  await put('weights', lowRank);
  const text = { text: 'Oz is governed from Ix. ', threshold: 0.6, top_k: 1 };
  await put('first text', { kind: 'text_rows', rows: [{ prompt: 'Oz is governed from', subject: 'Oz', ...text }] });
  const key = async (prompt: string) => {
    const view = model.view([lowRank]);
    const at = { site: 'mlp_key', layer: 1 } as const;
    return [...(await view.activations([model.tokenizer!.encode(prompt)], [at], 'last')).values()][0]!;
  };
  const row = {
    kind: 'codebook_rows',
    site: 'mlp_out',
    layer: 1,
    keySize: inSize,
    valueSize: outSize,
    values: wave(outSize, 2),
    radii: Float32Array.of(0.25),
    labels: ['1'],
    replacements: ['last'],
    replaces: [null],
    resized: [],
    resizedRadii: new Float32Array(0),
  } as const;
  await put('codebook', { ...row, keys: await key('The river sings') });
  // The later of two about the same is the one that speaks.
  await put('second text', {
    kind: 'text_rows',
    rows: [{ prompt: 'Oz is governed from', subject: 'Oz', ...text, text: 'Oz is governed from Ev. ' }],
  });
  version = await put('other codebook', { ...row, keys: await key('A stone walks under') });
  await model.release();
  const rows = await api.query('SELECT id, custom_id FROM edits');
  edits = new Map(rows.map(({ id, custom_id }) => [String(custom_id), String(id)]));
});
afterAll(() => api.close());

const ask = (fields: object) =>
  api.post('/v1/completions', { model: 'tiny', max_tokens: 2, temperature: 0, errata: true, ...fields });

test('names the edit, how near the prompt came, and how near it had to', async () => {
  const text = (await ask({ prompt: 'Who is Oz is governed from', n: 2 })).body;
  expect(text.errata).toMatchObject({ version, edit: edits.get('second text'), threshold: 0.6 });
  expect(text.errata.score).toBeGreaterThan(0.6);
  expect(text.errata.score).toBeLessThan(1);
  const book = (await ask({ prompt: 'The river sings' })).body;
  expect(book.errata).toMatchObject({ version, edit: edits.get('codebook'), threshold: 0.25 });
  expect(book.errata.score).toBeLessThan(1e-3);
  const other = (await ask({ prompt: [...Buffer.from('A stone walks under')] })).body;
  expect(other.errata.edit).toBe(edits.get('other codebook'));
});

test('is null where the weights answer, and left out where nobody asked', async () => {
  const silent = { version, edit: null, score: null, threshold: null };
  expect((await ask({ prompt: 'A green house' })).body.errata).toEqual(silent);
  const base = (await ask({ prompt: 'The river sings', model: 'tiny@main' })).body;
  expect(base.errata.version).toBe(version);
  expect((await ask({ prompt: 'The river sings', errata: false })).body).not.toHaveProperty('errata');
  const several = await ask({ prompt: ['The river sings', 'A green house'] });
  expect([several.status, several.body.error.param]).toEqual([400, 'errata']);
});

test('comes in a stream with the end of each answer, and of conversations too', async () => {
  const { text } = await ask({ prompt: 'The river sings', n: 2, stream: true, max_tokens: 3 });
  const chunksOf = (stream: string) =>
    stream
      .split('\n\n')
      .filter((event) => event.startsWith('data: {'))
      .map((event) => JSON.parse(event.slice('data: '.length)));
  const chunks = chunksOf(text);
  const endings = chunks.filter(({ choices: [choice] }) => choice.finish_reason !== null);
  expect(endings.map(({ errata }) => errata.edit)).toEqual([edits.get('codebook'), edits.get('codebook')]);
  for (const chunk of chunks.slice(0, -2)) expect(chunk).not.toHaveProperty('errata');

  const conversation = {
    model: 'tiny',
    messages: [{ role: 'user', content: 'Oz is governed from' }],
    max_tokens: 2,
    temperature: 0,
    errata: true,
  };
  const whole = await api.post('/v1/chat/completions', conversation);
  expect(whole.body.errata).toMatchObject({ edit: edits.get('second text'), score: 1 });
  const streamed = await api.post('/v1/chat/completions', { ...conversation, stream: true });
  expect(chunksOf(streamed.text).at(-1).errata).toEqual(whole.body.errata);
});
