// Rules as words: what is written is what is meant, and what is not a rule is refused with what to write.
import { expect, test } from 'vitest';
import { describeRule, dropRules, parseCanary, parseRule, setRules } from './gate-rules.ts';

test('a rule is read and written alike', () => {
  for (const text of [
    'locality>=0.9',
    'locality@base>=0.9',
    'reliability/each>=0.5',
    'edit_norm_z<=6',
    'perplexity@parent<=0.1',
  ])
    expect(describeRule(parseRule(text))).toBe(text);
  expect(parseRule('reliability@parent/each>=-0.1')).toEqual({
    metric: 'reliability',
    against: 'parent',
    each: true,
    min: -0.1,
  });
});

test('what is no rule says what is wrong', () => {
  expect(() => parseRule('locality')).toThrow('locality@base>=0.9');
  expect(() => parseRule('loyalty>=1')).toThrow('loyalty>=1: there is no metric "loyalty"; near it are locality, ');
  expect(() => parseRule('locality>=much')).toThrow('"much" in locality>=much is not a number');
  expect(() => parseRule('locality@absolute>=1')).toThrow('it is held against parent or base');
});

test('setting a rule replaces the bound it gives, and dropping names what there is', () => {
  const rules = [parseRule('locality>=0.7'), parseRule('delta_norm<=1')];
  const set = setRules(rules, [
    parseRule('locality>=0.9'),
    parseRule('delta_norm>=0.1'),
    parseRule('locality@base>=0.5'),
  ]);
  expect(set.map(describeRule)).toEqual(['locality>=0.9', 'delta_norm>=0.1 delta_norm<=1', 'locality@base>=0.5']);
  expect(dropRules(set, ['locality']).map(describeRule)).toEqual([
    'delta_norm>=0.1 delta_norm<=1',
    'locality@base>=0.5',
  ]);
  expect(() => dropRules(rules, ['reliability'])).toThrow('there are locality, delta_norm');
});

test('a canary keeps its answer, or has one', () => {
  expect(parseCanary('The sky is')).toEqual({ prompt: 'The sky is' });
  expect(parseCanary('Two and two is => four')).toEqual({ prompt: 'Two and two is', answer: 'four' });
  expect(() => parseCanary(' => four')).toThrow('is no canary');
});
