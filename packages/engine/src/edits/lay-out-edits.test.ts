// Laying out a batch: what a tokenizer cannot spell is named at the field that holds it, and nothing is edited to the unknown token.
import { checkEdits, type Edit } from '@errata/contracts';
import { tokenizerFromJson } from '@errata/models';
import { expect, test } from 'vitest';
import { layOutEdits, located } from './lay-out-edits.ts';

const letters = [...'abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const vocab = Object.fromEntries(['<unk>', ...letters].map((token, id) => [token, id]));
const tokenizer = tokenizerFromJson({ model: { type: 'BPE', vocab, merges: [], unk_token: '<unk>' } });
const model = { tokenizer, context: 64 };

const edit = { custom_id: 'a', prompt: 'The capital of France is', subject: 'France', target_new: 'Rome' };
const complaintsOf = (given: object) => {
  const { edits, errors } = checkEdits([{ ...edit, ...given }]);
  expect(errors).toEqual([]);
  const { complaints } = layOutEdits(model, edits);
  return complaints.map((complaint) => located(edits as Edit[], complaint));
};

test('a target that cannot be spelled is refused once, naming its characters and its field', () => {
  const [complaint, ...others] = complaintsOf({ target_new: 'Köln', rephrases: ['France has the capital'] });
  expect(others).toEqual([]);
  expect(complaint).toMatchObject({ code: 'unspellable_text', pointer: '/edits/0/target_new', custom_id: 'a' });
  expect(complaint!.message).toContain('no tokens for "ö"');
});

test('so are the true answer and the answers of probes; an unknown letter in a prompt is not', () => {
  const probe = { prompt: 'The capital of Spain is', target: 'Málaga' };
  const fields = [
    complaintsOf({ target_true: 'Orléans' }),
    complaintsOf({ locality: { neighbourhood: [probe] } }),
    complaintsOf({ portability: { one_hop: [probe] } }),
  ].flatMap((complaints) => complaints.map(({ code, field }) => [code, field]));
  expect(fields).toEqual([
    ['unspellable_text', 'target_true'],
    ['unspellable_text', 'locality.neighbourhood.0.target'],
    ['unspellable_text', 'portability.one_hop.0.target'],
  ]);
  expect(complaintsOf({ rephrases: ['À la France'], aliases: ['Róma'] })).toEqual([]);
});

test('an edit is laid out without a subject, and joined as it says', () => {
  const { edits } = checkEdits([
    { ...edit, subject: null },
    { ...edit, custom_id: 'b', prompt: 'France has', join: 'none' },
  ]);
  const { layouts } = layOutEdits(model, edits);
  expect(layouts.map(({ subject, target_tokens }) => [subject, target_tokens])).toEqual([
    [null, ' Rome'.length],
    [{ first: 0, last: 5 }, 'Rome'.length],
  ]);
});

test('a subject of unknown letters alone is refused: every other one would be edited with it', () => {
  expect(complaintsOf({ prompt: 'The capital of 東京 is', subject: '東京' })).toMatchObject([
    { code: 'unspellable_text', field: 'subject' },
  ]);
});
