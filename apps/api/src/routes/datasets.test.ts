// Files of corrections over the API: any layout is read as the command line reads it, and nothing of them stays.
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const read = (name: string, content: string, more: object = {}) => api.post('/v1/datasets', { name, content, ...more });
const csv = 'prompt,subject,target_new\nThe capital of France is,France,Lyon\nThe capital of Spain is,Spain,\n';
const prompts = (body: { edits: { prompt: string }[] }) => body.edits.map(({ prompt }) => prompt);

test('lines, tables, published layouts and packed files become edits; what cannot be used is named', async () => {
  const lines = await read('mine.jsonl', `${JSON.stringify(anEdit('France'))}\n${JSON.stringify(anEdit('Spain'))}\n`);
  expect(lines).toMatchObject({ status: 200, body: { records: 2, rejected_count: 0, has_more: false } });
  expect(prompts(lines.body)).toEqual(['The capital of France is', 'The capital of Spain is']);

  const rows = await read('mine.csv', csv);
  expect(prompts(rows.body)).toEqual(['The capital of France is']);
  expect(rows.body.rejected).toMatchObject([{ record: 1, field: 'target_new' }]);

  const packed = gzipSync(csv).toString('base64');
  expect((await read('mine.csv.gz', packed, { encoding: 'base64' })).body).toEqual(rows.body);

  const counterfact = {
    case_id: 7,
    requested_rewrite: {
      ...{ prompt: '{} is a citizen of', subject: 'Danielle', relation_id: 'P27' },
      ...{ target_new: { str: 'Spain', id: 'Q29' }, target_true: { str: 'France', id: 'Q142' } },
    },
    ...{ paraphrase_prompts: ['Danielle holds a passport of'], neighborhood_prompts: ['Jean is a citizen of'] },
    ...{ attribute_prompts: [], generation_prompts: [] },
  };
  const published = await read('counterfact.json', JSON.stringify([counterfact]));
  expect(published.body).toMatchObject({ layout: 'counterfact', edits: [{ prompt: 'Danielle is a citizen of' }] });
});

test.each([
  ['a name that is a path', '../../etc/mine.csv', csv, {}, 200, undefined],
  ['a name of dots', '..', csv, {}, 200, undefined],
  ['no layout', 'a.json', '[{"a": 1}]', {}, 422, 'unknown_layout'],
  ['a layout that is none', 'a.csv', csv, { layout: 'nonsense' }, 422, 'unknown_layout'],
  ['an empty file', 'a.csv', ' ', {}, 422, 'unreadable_dataset'],
  ['an archive', 'a.zip', 'UEsDBBQAAAAIAAAAIQAAAAAAAAAAAAAAAAA=', { encoding: 'base64' }, 422, 'unreadable_dataset'],
  ['nothing', 'a.csv', '', {}, 400, 'invalid_request'],
])('%s', async (_, name, content, more, status, code) => {
  const before = readdirSync(tmpdir()).filter((entry) => entry.startsWith('errata-dataset-'));
  const answer = await read(name, content, more);
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
  expect(answer.text).not.toContain(tmpdir());
  expect(readdirSync(tmpdir()).filter((entry) => entry.startsWith('errata-dataset-'))).toEqual(before);
});
