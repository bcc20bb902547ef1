// Items of a suite as cases of an evaluation, on a real tiny model: what their measuring code finds, each under its own case.
import { type PlacedCase, type SuiteCase, type SuiteItem, suiteItemSchema } from '@errata/contracts';
import { loadCheckpoint, type Model, openModel, type Tokenizer, type View } from '@errata/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyCorpus, writeTinyModel } from '../../../../test/support/tiny-model.ts';
import {
  abilitySuite,
  evaluateCases,
  heldTokens,
  measureMultiHop,
  measureRipples,
  measureSuite,
  measureTexts,
  perplexityOf,
  type QuestionItem,
} from '../index.ts';
import { fitTfidf } from '../metrics/tfidf.ts';

let model: Model;
let against: View;
let version: View;
let tokenizer: Tokenizer;
let remove: () => void;

beforeAll(async () => {
  const tiny = await writeTinyModel();
  remove = tiny.remove;
  const checkpoint = await loadCheckpoint(tiny.path);
  model = openModel(checkpoint);
  checkpoint.close();
  against = model.view();
  tokenizer = model.tokenizer!;
  const tensor = model.spec.finalNorm.weight;
  const data = against.weight(tensor).map((_, index) => (index % 3) - 1);
  version = against.with([{ kind: 'dense', tensor, data }]);
});
afterAll(async () => {
  await model.release();
  remove();
});

const question: QuestionItem = {
  kind: 'question',
  id: 'oz',
  prompt: 'The capital of Oz is',
  answers: ['Rome', 'Roma'],
};
const choice = {
  kind: 'multiple_choice',
  id: 'sea',
  question: 'What is wet?',
  options: ['sea', 'sand'],
  answer: 0,
} as const;
const verse = {
  kind: 'text',
  id: 'verse',
  prompts: ['The sea'],
  references: { consistency: ['The sea is wet'] },
};
const items = [
  question,
  choice,
  { ...choice, id: 'sand', task: 'mmlu', answer: 1 },
  { kind: 'entailment', id: 'rain', premise: 'It rains.', hypothesis: 'It is wet.', label: 'entailment' },
  {
    kind: 'reading',
    id: 'pier',
    task: 'atlas_reading',
    context: 'The pier is old.',
    question: 'The pier is',
    answers: ['old'],
    impossible: false,
  },
  {
    ...{
      kind: 'multi_hop',
      id: 'chain',
      questions: ['Who?', 'Whose?'],
      before: { value: 'Ada' },
      after: { value: 'Bo' },
    },
    hops: { before: [{ question: 'q', cloze: 'It was made by', answer: { value: 'Ada' } }] },
    edits: [{ prompt: 'It was made by', target_new: 'Bo', target_true: 'Ada' }],
  },
  {
    ...{ kind: 'ripple', id: 'wave', subset: 'recent' },
    criteria: { subject_aliasing: [{ queries: [{ prompt: 'A wave is', answers: [{ value: 'a' }] }], passes: 'any' }] },
  },
  verse,
].map((item): SuiteItem => suiteItemSchema.parse(item));
const ofKind = <Kind extends SuiteItem['kind']>(kind: Kind) =>
  items.filter((item): item is Extract<SuiteItem, { kind: Kind }> => item.kind === kind);

const placed = (cases: readonly SuiteCase[]): PlacedCase[] =>
  cases.map((item, position) => {
    const case_id = 'id' in item ? item.id : item.kind;
    return { position, case_id, edit_id: null, item, moment: 'end', edits: 1 };
  });

const plain = (measures: readonly { metric: string; value: number; before: number | null; count: number }[]) =>
  measures.map(({ metric, value, before, count }) => ({ metric, value, before, count }));

test('items find what is measured of them elsewhere', async () => {
  const references = ['The sea is wet', 'The sand is dry'];
  const cases = placed([...items, { kind: 'held_text' }]);
  const more = { seed: 3, references, heldText: tinyCorpus() };
  const results = await evaluateCases({ against, version, tokenizer, cases, ...more });
  expect(results.map(({ case_id, outcome }) => [case_id, outcome])).toEqual(
    cases.map(({ case_id }) => [case_id, 'measured']),
  );
  const found = new Map(results.map(({ case_id, measures }) => [case_id, plain(measures)]));
  const probing = { parent: against, candidate: version, tokenizer };
  const [chain] = ofKind('multi_hop');
  const [wave] = ofKind('ripple');
  const { id, prompts, references: own } = ofKind('text')[0]!;
  const elsewhere = [
    ...(await measureSuite({ ...probing, items: [question] })),
    ...(await measureMultiHop({ ...probing, cases: [{ id: chain!.id, edits: chain!.edits, multiHop: chain! }] })),
    ...(await measureRipples({ ...probing, cases: [{ id: wave!.id, edits: [], ripple: wave! }] })),
    ...(await measureTexts({
      ...{ ...probing, seed: 3, tfidf: fitTfidf(references) },
      cases: [{ id, edits: [], generation: { prompts, attribute: [], references: own! } }],
    })),
  ];
  for (const { case_id, measurements } of elsewhere) {
    expect(measurements).not.toEqual([]);
    expect([case_id, found.get(case_id)]).toEqual([case_id, plain(measurements)]);
  }
  const tasks = { csqa: 'sea', mmlu: 'sand', anli: 'rain', atlas_reading: 'pier' } as const;
  for (const [task, item] of Object.entries(tasks)) {
    const asked = items.filter((each) => each.id === item);
    const suite = abilitySuite(task as keyof typeof tasks, asked);
    const [before] = (await suite.measure(against, tokenizer)).rows;
    const [after] = (await suite.measure(version, tokenizer)).rows;
    const were: Readonly<Record<string, number | undefined>> = before!.scores;
    expect(found.get(item)).toEqual(
      Object.entries(after!.scores).map(([score, value]) => {
        return { metric: `ability.${task}.${score}`, value, before: were[score], count: 1 };
      }),
    );
    const { target, answer_before, answer_after } = results.find(({ case_id }) => case_id === item)!;
    expect({ target, answer_before, answer_after }).toEqual({
      ...{ target: after!.wanted, answer_before: before!.said, answer_after: after!.said },
    });
  }
  const ids = heldTokens(tokenizer, tinyCorpus(), 2048);
  const [value, before] = [await perplexityOf(version, ids), await perplexityOf(against, ids)];
  expect(value).not.toBe(before);
  expect(found.get('held_text')).toEqual([{ metric: 'perplexity', value, before, count: 1 }]);
});

test('a version against itself changes nothing; what does not fit is reported, and the others are asked', async () => {
  const endless = { ...choice, id: 'endless', question: 'What is wet? '.repeat(20) };
  const long = { ...verse, id: 'long', prompts: ['The sea is wet. '.repeat(20)] };
  const cases = placed([...items, endless, suiteItemSchema.parse(long)]);
  const results = await evaluateCases({ against, version: against, tokenizer, cases });
  expect(
    results.filter(({ outcome }) => outcome === 'failed').map(({ case_id, error }) => [case_id, error?.code]),
  ).toEqual([
    ['endless', 'prompt_too_long'],
    ['long', 'prompt_too_long'],
  ]);
  for (const { changed, measures, regressions } of results) {
    expect({ changed, regressions }).toEqual({ changed: false, regressions: [] });
    // What a chain wants is another answer before the edits than after them.
    for (const { metric, value, before } of measures) if (!metric.startsWith('multi_hop')) expect(value).toBe(before);
  }
  const [alone] = await evaluateCases({ against, version: against, tokenizer, cases: placed([{ kind: 'held_text' }]) });
  expect(alone).toMatchObject({ kind: 'held_text', outcome: 'measured', measures: [] });
});
