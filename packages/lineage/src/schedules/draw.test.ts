// Drawing from an inbox: the rules one by one, and what holds whatever waits.
import { contradictionPolicies, inboxOrders } from '@errata/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DrawPolicy, planDraw, type WaitingEdit } from './draw.ts';

const plain: DrawPolicy = { order: 'arrival', group_by_subject: false, on_contradiction: 'newest_wins' };
let arrivals = 0;
/** `says('a', 'France', 'Paris')`: edit a answers the one question about France. */
const says = (id: string, subject: string | null, answer: string, more: Partial<WaitingEdit> = {}): WaitingEdit => {
  arrivals += 1;
  return {
    id,
    sequence: BigInt(arrivals),
    priority: 0,
    subject,
    questions: [`capital of ${subject}`],
    answer,
    ...more,
  };
};

test('the newest answer to a question wins; the same answer twice is no contradiction', () => {
  const waiting = [says('a', 'F', 'Lyon'), says('b', 'F', 'Nice'), says('c', 'S', 'Cadiz'), says('d', 'F', 'Lyon')];
  expect(planDraw(waiting, plain, 10)).toEqual({
    drawn: ['a', 'c', 'd'],
    superseded: [{ id: 'b', rival: 'd' }],
    refused: [],
    held: [],
    left: 0,
  });
});

test('who gives way to a newer edit no longer stands against older ones', () => {
  const waiting = [
    says('old', 'F', 'Lyon', { questions: ['p'] }),
    says('middle', 'F', 'Nice', { questions: ['p', 'q'] }),
    says('new', 'F', 'Metz', { questions: ['q'] }),
  ];
  expect(planDraw(waiting, plain, 10)).toMatchObject({
    drawn: ['old', 'new'],
    superseded: [{ id: 'middle', rival: 'new' }],
  });
});

test('refuse and ask put all sides aside', () => {
  const waiting = [says('a', 'F', 'Lyon'), says('b', 'S', 'Cadiz'), says('c', 'F', 'Nice')];
  const aside = [
    { id: 'a', rival: 'c' },
    { id: 'c', rival: 'a' },
  ];
  expect(planDraw(waiting, { ...plain, on_contradiction: 'refuse' }, 10)).toMatchObject({
    drawn: ['b'],
    refused: aside,
  });
  expect(planDraw(waiting, { ...plain, on_contradiction: 'ask' }, 10)).toMatchObject({ drawn: ['b'], held: aside });
});

test('edits without a subject are no group', () => {
  const waiting = [
    says('a', null, 'x'),
    says('b', 'France', 'x'),
    says('c', null, 'y', { questions: ['c'] }),
    says('d', 'France', 'x'),
  ];
  const { drawn } = planDraw(waiting, { ...plain, group_by_subject: true }, 10);
  expect(drawn.join('')).toBe('abdc');
});

test('priority goes first, then arrival; edits of a subject stand together where the first of them stands', () => {
  const waiting = [
    says('a', 'France', '1', { questions: ['1'] }),
    says('b', 'Spain', '2', { questions: ['2'], priority: 5 }),
    says('c', 'France', '3', { questions: ['3'] }),
    says('d', 'Spain', '4', { questions: ['4'] }),
    says('e', 'Italy', '5', { questions: ['5'], priority: 5 }),
  ];
  const drawn = (policy: Partial<DrawPolicy>, limit = 10) =>
    planDraw(waiting, { ...plain, ...policy }, limit).drawn.join('');
  expect(drawn({})).toBe('abcde');
  expect(drawn({ order: 'priority' })).toBe('beacd');
  expect(drawn({ group_by_subject: true })).toBe('acbde');
  expect(drawn({ group_by_subject: true, order: 'priority' })).toBe('bdeac');
  // A subject that does not fit waits whole, unless it would never fit.
  expect(drawn({ group_by_subject: true }, 3)).toBe('ac');
  expect(drawn({ group_by_subject: true }, 1)).toBe('a');
});

const edits = fc
  .array(
    fc.record({
      subject: fc.constantFrom('F', 'S', 'I'),
      questions: fc.uniqueArray(fc.constantFrom('p', 'q', 'r', 's'), { minLength: 1, maxLength: 2 }),
      answer: fc.constantFrom('x', 'y', 'z'),
      priority: fc.integer({ min: -1, max: 1 }),
    }),
    { maxLength: 12 },
  )
  .map((list) => list.map((edit, index): WaitingEdit => ({ ...edit, id: `e${index}`, sequence: BigInt(index) })));
const policies = fc.record({
  order: fc.constantFrom(...inboxOrders),
  group_by_subject: fc.boolean(),
  on_contradiction: fc.constantFrom(...contradictionPolicies),
});

test('whatever waits: every edit has one fate, no batch contradicts itself, and nobody waits for ever', () => {
  fc.assert(
    fc.property(edits, policies, fc.integer({ min: 1, max: 6 }), (waiting, policy, limit) => {
      const { drawn, superseded, refused, held, left } = planDraw(waiting, policy, limit);
      const aside = [...superseded, ...refused, ...held];
      expect(new Set([...drawn, ...aside.map(({ id }) => id)]).size).toBe(drawn.length + aside.length);
      expect(drawn.length + aside.length + left).toBe(waiting.length);
      expect(drawn.length).toBeLessThanOrEqual(limit);
      if (left > 0) expect(drawn.length).toBeGreaterThan(0);
      const byId = new Map(waiting.map((edit) => [edit.id, edit]));
      const contradict = (a: string, b: string) => {
        const [first, second] = [byId.get(a)!, byId.get(b)!];
        return (
          first.answer !== second.answer && first.questions.some((question) => second.questions.includes(question))
        );
      };
      for (const { id, rival } of aside) expect(contradict(id, rival)).toBe(true);
      for (const one of drawn) for (const other of drawn) expect(contradict(one, other)).toBe(false);
      // Those that gave way gave way to something that stands and is newer.
      for (const { id, rival } of superseded) {
        expect(superseded.map((each) => each.id)).not.toContain(rival);
        expect(byId.get(rival)!.sequence > byId.get(id)!.sequence).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
