// The rules of a batch: every bad line is named with its field and rule, and nothing bad gets through.
import { describe, expect, test } from 'vitest';
import { complaintsKept } from '../text/jsonl.ts';
import { checkEdits, parseEditsJsonl } from './check-edits.ts';

const good = { custom_id: 'a', prompt: 'The capital of France is', subject: 'France', target_new: 'Rome' };
const line = (fields: object) => JSON.stringify({ ...good, ...fields });

describe('parseEditsJsonl', () => {
  test('reads edits, skipping blank lines and a byte-order mark, and fills the subject in', () => {
    const { edits, errors } = parseEditsJsonl(
      `\ufeff${line({})}\n\n${line({ custom_id: 'b', prompt: 'The capital of {} was', subject: 'Spain' })}\n`,
    );
    expect(errors).toEqual([]);
    expect(edits.map(({ prompt }) => prompt)).toEqual(['The capital of France is', 'The capital of Spain was']);
  });

  test.each([
    ['malformed_jsonl', '{"custom_id": ', undefined],
    ['invalid_request', line({ prompt: 7 }), 'prompt'],
    ['invalid_request', line({ colour: 'red' }), ''],
    ['invalid_request', '[1]', ''],
    ['duplicate_custom_id', line({ prompt: 'France is' }), 'custom_id'],
    ['subject_not_in_prompt', line({ custom_id: 'b', subject: 'Spain' }), 'subject'],
    ['subject_not_in_prompt', line({ custom_id: 'b', subject: 'Fran' }), 'subject'],
    ['same_targets', line({ custom_id: 'b', prompt: 'France is', target_true: ' Rome ' }), 'target_new'],
    // A blank subject would be found again and again at the prompt's end.
    ['subject_not_in_prompt', line({ custom_id: 'b', subject: ' ' }), 'subject'],
    ['empty_target', line({ custom_id: 'b', prompt: 'France is', target_new: ' ' }), 'target_new'],
    ['target_too_long', line({ custom_id: 'b', target_new: 'x'.repeat(4001) }), 'target_new'],
    ['contradictory_edits', line({ custom_id: 'b', target_new: 'Oslo' }), 'target_new'],
    ['control_characters', line({ custom_id: 'b', prompt: 'France is', target_new: 'Ro\u0000me' }), 'target_new'],
  ])('names %s at its line', (code, bad, field) => {
    const { edits, errors } = parseEditsJsonl(`${line({})}\n${bad}`);
    expect(edits).toHaveLength(1);
    expect(errors).toMatchObject([{ code, line: 2 }]);
    expect(errors[0]?.field).toBe(field);
  });

  test('a document over several lines is told as such, unless parsing it would be work', () => {
    expect(parseEditsJsonl('[\n{}\n]').errors).toMatchObject([
      { line: 1, message: expect.stringMatching(/one JSON document/) },
    ]);
    const deep = parseEditsJsonl(`${'[\n'.repeat(40)}${']\n'.repeat(40)}`).errors;
    expect(deep).toHaveLength(80);
    expect(deep[0]!.message).toMatch(/^not JSON/);
  });

  test('looks at a line before parsing it, and stops after a thousand complaints', () => {
    const [nested] = parseEditsJsonl('['.repeat(100)).errors;
    expect(nested).toMatchObject({
      code: 'malformed_jsonl',
      line: 1,
      message: expect.stringMatching(/nested more than 32 deep/),
    });
    expect(parseEditsJsonl('{}\n'.repeat(2000)).errors.length).toBe(complaintsKept);
    expect(parseEditsJsonl('x\n'.repeat(2000)).errors.length).toBe(complaintsKept);
    const [filled] = checkEdits([{ ...good, prompt: '{}'.repeat(20), subject: 'x'.repeat(400) }]).errors;
    expect(filled).toMatchObject({ field: 'prompt', message: expect.stringMatching(/over 4000 characters/) });
  });

  test('a prototype key is only a rejected field', () => {
    const { errors } = parseEditsJsonl(
      '{"__proto__": {"x": 1}, "custom_id": "a", "prompt": "p s", "subject": "s", "target_new": "t"}',
    );
    expect(({} as { x?: number }).x).toBeUndefined();
    expect(errors.every(({ code }) => code === 'invalid_request')).toBe(true);
  });
});

test('null is absent, and an edit without an id is named by its number', () => {
  const bare = { prompt: 'The capital of {} is', subject: 'France', target_new: 'Rome' };
  const nulls = {
    target_true: null,
    relation: null,
    aliases: null,
    rephrases: null,
    locality: null,
    metadata: { by: null },
  };
  const probes = { locality: { neighbourhood: null, other_tasks: [{ prompt: 'Spain is', target: null }] } };
  const { edits, errors } = checkEdits([
    { ...bare, ...nulls },
    { ...bare, ...probes, subject: 'Spain', custom_id: null },
  ]);
  expect(errors).toEqual([]);
  expect(edits).toEqual([
    { ...good, custom_id: '1', rephrases: [], locality: {}, portability: {}, metadata: {} },
    {
      ...good,
      custom_id: '2',
      prompt: 'The capital of Spain is',
      subject: 'Spain',
      rephrases: [],
      locality: { other_tasks: [{ prompt: 'Spain is' }] },
      portability: {},
    },
  ]);
  expect(checkEdits([{ ...good, rephrases: [null] }]).errors).toMatchObject([{ field: 'rephrases.0' }]);
});

test('an edit may be about nothing that its prompt names, but then nothing can be filled in', () => {
  const { subject: _, ...without } = good;
  const related = { ...without, relation: 'capital' };
  const { edits, errors } = checkEdits([
    without,
    { ...related, custom_id: 'b', prompt: 'Its capital is', target_new: 'Oslo' },
  ]);
  expect([errors, edits.map((edit) => 'subject' in edit)]).toEqual([[], [false, false]]);
  const { errors: open } = checkEdits([{ ...without, prompt: 'The capital of {} is' }]);
  expect(open).toMatchObject([{ field: 'prompt', message: expect.stringContaining('there is no subject') }]);
});

test('a subject within another word is named with that word; a target may differ from the true one by its capitals', () => {
  const { errors } = checkEdits([{ ...good, prompt: 'The capital of Algeria is', subject: 'Al' }]);
  expect(errors[0]?.message).toContain('only within another word, "Algeria"');
  expect(checkEdits([{ ...good, target_true: 'rome' }]).errors).toEqual([]);
  expect(checkEdits([{ ...good, prompt: '東京は', subject: '東京' }]).errors).toEqual([]);
});

test('contradictions are seen across phrasings when the relation is named; agreement is not one', () => {
  const named = { ...good, relation: 'capital' };
  const other = { ...named, custom_id: 'b', prompt: "France's capital is", target_new: 'Oslo' };
  expect(checkEdits([named, other]).errors).toMatchObject([
    { code: 'contradictory_edits', pointer: '/edits/1/target_new' },
  ]);
  expect(checkEdits([named, { ...other, target_new: ' rome.' }]).errors).toEqual([]);
});
