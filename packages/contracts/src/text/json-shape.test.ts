// The bounds on JSON: found in its text before it is parsed, and in values; and the characters that no text can hold.
import { expect, test } from 'vitest';
import { complainOfShape, complainOfSize, findUnusableText, isUsableText } from './json-shape.ts';

const limits = { depth: 3, width: 4, values: 10 };

test.each([
  ['[[[1]]]', null],
  ['[[[[1]]]]', /more than 3 deep/],
  ['[1,2,3,4]', null],
  ['[1,2,3,4,5]', /more than 4 items/],
  ['{"a":1,"b":2,"c":3,"d":4,"e":5}', /more than 4 items/],
  ['[[1,2,3],[1,2,3],[1,2,3]]', /more than 10 values/],
  // Brackets and commas of texts are no structure, escaped quotes end no text.
  ['["[[[[[,,,,,,,", "\\"[[[[[,,,,,,", "\\\\"]', null],
  // What is not JSON is looked at as well, and does not end the look.
  ['[[[[[[', /deep/],
  [']]]]]]', null],
  ['"never ended', null],
])('%s', (json, complaint) => {
  const found = complainOfShape(json, limits);
  if (complaint === null) expect(found).toBeNull();
  else expect(found).toMatch(complaint);
});

test('a value has the bounds of its text', () => {
  for (const json of ['[[[1]]]', '[[[[1]]]]', '[1,2,3,4,5]', '{"a":{"b":{"c":{}}}}', '[[1,2,3],[1,2,3],[1,2,3]]'])
    expect([json, complainOfSize(JSON.parse(json), limits)]).toEqual([json, complainOfShape(json, limits)]);
});

test('texts that no database can hold are found where they are, keys included', () => {
  const found = (json: string) => findUnusableText(json, JSON.parse(json));
  expect(found('{"a":["x",{"b":"\\u0000"}]}')).toEqual(['a', 1, 'b']);
  expect(found('{"a":{"\\ud800":1}}')).toEqual(['a']);
  expect(found('["\\ud83d\\ude00", "\\\\u0000", "\\u0001"]')).toBeNull();
  expect(['a\ud800', '\udc00', 'a\0', '😀', ''].map(isUsableText)).toEqual([false, false, false, true, true]);
});
