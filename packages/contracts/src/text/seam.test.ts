// Where a space stands between a prompt and its answer.
import { expect, test } from 'vitest';
import { spaceFollows } from './seam.ts';

test.each([
  'The capital of France is',
  'Paris.',
  'What is its capital?',
  'Answer:',
  'in 1998',
  'the capital (Paris)',
  'He said "yes"',
  "the dogs'",
  '„Berlin“',
  'x =',
  'either /',
  'a list -',
  'it costs 5 €',
  '50%',
  '프랑스의 수도는',
  'Столица Франции —',
  'Tokyo (東京)',
])('a space follows %j', (text) => expect(spaceFollows(text)).toBe(true));

test.each([
  'ends in a tab\t',
  'ends in a line\n',
  '法国的首都是',
  '法国的首都是？',
  '法国的首都是?',
  '日本の首都は',
  'コーヒー',
  '首都：「',
  'เมืองหลวงของฝรั่งเศสคือ',
  'The capital of France (',
  'a list [',
  'He said: "The capital is "',
  'sagte: „',
  "x = '",
  '{"capital":"',
  'capital-of-France=',
  'and/',
  'C:\\',
  'well-',
  '1990–',
  'it costs $',
  'US$',
])('none follows %j', (text) => expect(spaceFollows(text)).toBe(false));
