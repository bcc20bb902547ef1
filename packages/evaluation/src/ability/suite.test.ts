// Suites: a task and items that fit each other, or a refusal that says why not.
import { ErrataError } from '@errata/contracts';
import { describe, expect, it } from 'vitest';
import type { MultipleChoiceItem, ReadingItem } from '../datasets/items.ts';
import { abilitySuite } from './suite.ts';

const choice = (id: string, question = 'Where?'): MultipleChoiceItem => ({
  kind: 'multiple_choice',
  id,
  question,
  options: ['here', 'there'],
  answer: 0,
});
const reading: ReadingItem = {
  kind: 'reading',
  id: 'r',
  context: 'It is here.',
  question: 'Where?',
  answers: ['here'],
  impossible: false,
};
const refusal = (make: () => unknown): ErrataError => {
  try {
    make();
  } catch (error) {
    if (error instanceof ErrataError) return error;
  }
  throw new Error('nothing was refused');
};

describe('a suite', () => {
  it('is told from others by its task and its items', () => {
    const suite = abilitySuite('csqa', [choice('a'), choice('b')]);
    expect(suite).toMatchObject({ task: 'csqa', version: 1, items: 2 });
    expect(abilitySuite('csqa', [choice('a'), choice('b')]).digest).toBe(suite.digest);
    const others = [
      abilitySuite('csqa', [choice('b'), choice('a')]),
      abilitySuite('csqa', [choice('a'), choice('b', 'When?')]),
      abilitySuite('csqa_letters', [choice('a'), choice('b')]),
    ].map(({ digest }) => digest);
    expect(new Set([suite.digest, ...others]).size).toBe(4);
  });

  it.each([
    ['no items', [], 'no items'],
    [
      'items of another kind',
      [choice('a'), reading],
      'csqa: it asks items of kind multiple_choice; "r" is of kind reading',
    ],
    ['two items of one id', [choice('a'), choice('a')], 'two items have the id "a"'],
  ])('refuses %s', (_, items, message) => {
    const error = refusal(() => abilitySuite('csqa', items));
    expect(error.code).toBe('invalid_request');
    expect(error.message).toContain(message);
  });
});
