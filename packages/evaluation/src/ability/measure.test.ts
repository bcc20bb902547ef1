// General ability on small real models: against transformers, destroyed, cut short, and remembered.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { evaluationResultsSchema } from '@errata/contracts';
import { type Delta, loadCheckpoint, type Model, openModel, type View } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { EntailmentItem, MultipleChoiceItem, ReadingItem, SuiteItem } from '../datasets/items.ts';
import { loadDataset } from '../datasets/survey.ts';
import { type AbilityOptions, type AbilityResult, type AbilityRow, measureAbility } from './measure.ts';
import { planChoice, readChoices } from './read.ts';
import { abilityResults } from './results.ts';
import { createAbilityCache } from './score-items.ts';
import { squadExact, squadF1 } from './squad.ts';
import { abilitySuite } from './suite.ts';
import { type AbilityTaskId, abilityTasks } from './tasks.ts';
import * as templates from './templates.ts';

const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url));
const shared = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));
const json = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;

/** One item as the oracle has it. */
interface ExpectedRow {
  readonly id: string;
  readonly log_probs?: readonly (readonly number[])[];
  readonly said?: string;
  /** Right answers, some of them made from what the model says. */
  readonly answers?: readonly string[];
  readonly [score: string]: unknown;
}

interface Expected {
  readonly items: {
    readonly csqa: readonly Omit<MultipleChoiceItem, 'kind'>[];
    readonly mmlu: readonly Omit<MultipleChoiceItem, 'kind'>[];
    readonly anli: readonly Omit<EntailmentItem, 'kind'>[];
    readonly squad_v2: readonly Omit<ReadingItem, 'kind'>[];
    readonly atlas_choice: readonly Omit<MultipleChoiceItem, 'kind'>[];
    readonly atlas_entailment: readonly Omit<EntailmentItem, 'kind'>[];
    readonly atlas_reading: readonly Omit<ReadingItem, 'kind'>[];
  };
  readonly texts: readonly {
    readonly said: string;
    readonly answers: readonly string[];
    readonly exact_match: number;
    readonly f1: number;
  }[];
  readonly models: Readonly<Record<'gpt2' | 'llama', Readonly<Record<AbilityTaskId, readonly ExpectedRow[]>>>>;
}

const expected = json<Expected>(join(fixtures, 'expected.json'));
const taskIds = Object.keys(abilityTasks) as AbilityTaskId[];

async function openDirectory(path: string): Promise<Model> {
  const checkpoint = await loadCheckpoint(path);
  const model = openModel(checkpoint);
  checkpoint.close();
  return model;
}

/** The fixture's items of a task, put to a view. */
function measure(
  id: AbilityTaskId,
  view: View,
  { tokenizer }: Model,
  answers: readonly ExpectedRow[],
  options: AbilityOptions = {},
): Promise<AbilityResult> {
  const { items } = expected;
  const choices = (list: readonly Omit<MultipleChoiceItem, 'kind'>[]) =>
    list.map((item): MultipleChoiceItem => ({ kind: 'multiple_choice', ...item }));
  const entailments = (list: readonly Omit<EntailmentItem, 'kind'>[]) =>
    list.map((item): EntailmentItem => ({ kind: 'entailment', ...item }));
  const readings = (list: readonly Omit<ReadingItem, 'kind'>[]) =>
    list.map((item, index): ReadingItem => ({ kind: 'reading', ...item, answers: answers[index]!.answers! }));
  switch (id) {
    case 'csqa':
    case 'csqa_letters':
      return measureAbility(view, tokenizer!, abilityTasks[id], choices(items.csqa), options);
    case 'mmlu':
    case 'mmlu_letters':
      return measureAbility(view, tokenizer!, abilityTasks[id], choices(items.mmlu), options);
    case 'atlas_choice':
      return measureAbility(view, tokenizer!, abilityTasks[id], choices(items.atlas_choice), options);
    case 'anli':
      return measureAbility(view, tokenizer!, abilityTasks[id], entailments(items.anli), options);
    case 'atlas_entailment':
      return measureAbility(view, tokenizer!, abilityTasks[id], entailments(items.atlas_entailment), options);
    case 'squad_v2':
      return measureAbility(view, tokenizer!, abilityTasks[id], readings(items.squad_v2), options);
    case 'atlas_reading':
      return measureAbility(view, tokenizer!, abilityTasks[id], readings(items.atlas_reading), options);
  }
}

/** Rows as the oracle gives them; likelihoods to float32. */
function expectRow(row: AbilityRow, wanted: ExpectedRow): void {
  expect(row.id).toBe(wanted.id);
  for (const [score, value] of Object.entries(row.scores)) {
    if (score === 'inverse_perplexity') expect(value / (wanted[score] as number)).toBeCloseTo(1, 4);
    else expect(value, `${row.id} ${score}`).toBeCloseTo(wanted[score] as number, 12);
  }
  if (wanted.said !== undefined) expect(row.said).toBe(wanted.said);
}

/** All weights zero: every token is as likely as every other. */
const destroyed = (model: Model): View => {
  const view = model.view();
  return view.with(
    [...model.spec.parameters.keys()].map(
      (tensor): Delta => ({ kind: 'dense', tensor, data: view.weight(tensor).map((x) => -x) }),
    ),
  );
};

describe.each(['gpt2', 'llama'] as const)('a random %s', (name) => {
  let model: Model;
  beforeAll(async () => {
    model = await openDirectory(join(fixtures, name));
  });
  afterAll(() => model.release());

  it.each(taskIds)('scores on %s as transformers does, in batches of any size', async (id) => {
    const wanted = expected.models[name][id];
    for (const batch of [64, 1]) {
      const { rows, skipped } = await measure(id, model.view(), model, wanted, { batch });
      expect(skipped).toEqual([]);
      expect(rows).toHaveLength(wanted.length);
      for (const [index, row] of rows.entries()) expectRow(row, wanted[index]!);
    }
  });

  it('gives each token of an option the probability that transformers gives it', async () => {
    const reader = { view: model.view(), tokenizer: model.tokenizer! };
    for (const [index, { question, options, answer }] of expected.items.atlas_choice.entries()) {
      const plan = planChoice(reader, { prompt: question, options, answer });
      const [reading] = await readChoices(reader, 'rows' in plan ? [plan.rows] : []);
      const wanted = expected.models[name].atlas_choice[index]!.log_probs!;
      expect(reading!.map(({ logProbs }) => logProbs.length)).toEqual(wanted.map((option) => option.length));
      const differences = reading!.flatMap(({ logProbs }, option) => logProbs.map((p, i) => p - wanted[option]![i]!));
      expect(Math.max(...differences.map(Math.abs))).toBeLessThan(1e-4);
    }
  });

  it('destroyed, is at chance', async () => {
    const view = destroyed(model);
    for (const id of taskIds) {
      const { rows, means } = await measure(id, view, model, expected.models[name][id]);
      for (const { scores, chance } of rows) {
        for (const score of ['likelihood_per_token', 'first_token'] as const)
          if (scores[score] !== undefined) expect(scores[score]).toBe(chance);
        if (scores.inverse_perplexity !== undefined)
          expect(scores.inverse_perplexity).toBeCloseTo(1 / model.spec.vocab, 6);
      }
      if (abilityTasks[id].kind === 'reading') expect(means.scores.exact_match).toBeLessThanOrEqual(means.chance!);
    }
  });
});

test('every task is written with a template of the version that it says', () => {
  const known = Object.values(templates).map(({ name, version }) => `${name}@${version}`);
  for (const { template } of Object.values(abilityTasks)) expect(known).toContain(template);
});

describe('answers in free text', () => {
  it('are scored as by another implementation', () => {
    for (const { said, answers, exact_match, f1 } of expected.texts) {
      expect(squadExact(said, answers), said).toBe(exact_match);
      expect(squadF1(said, answers), said).toBeCloseTo(f1, 12);
    }
  });
});

describe('measuring', () => {
  const wanted = expected.models.gpt2;
  let model: Model;
  beforeAll(async () => {
    model = await openDirectory(join(fixtures, 'gpt2'));
  });
  afterAll(() => model.release());
  const choices = expected.items.mmlu.map((item): MultipleChoiceItem => ({ kind: 'multiple_choice', ...item }));
  const run = (items: readonly MultipleChoiceItem[], options?: AbilityOptions) =>
    measureAbility(model.view(), model.tokenizer!, abilityTasks.mmlu, items, options);

  it('averages over all rows and over each group', async () => {
    const { means, groups, rows, task, version, template } = await run(choices);
    expect({ task, version, template }).toEqual({ task: 'mmlu', version: 1, template: 'question@1' });
    const mean = (list: readonly AbilityRow[]) =>
      list.reduce((sum, row) => sum + row.scores.first_token!, 0) / list.length;
    expect(means).toMatchObject({ count: 3, chance: 1 / 4 });
    expect(means.scores.first_token).toBe(mean(rows));
    expect(Object.keys(groups)).toEqual(['geography', 'algebra']);
    expect(groups.geography!.scores.first_token).toBe(mean(rows.filter((row) => row.group === 'geography')));
  });

  it('names what the model chose, and what was right', async () => {
    const { rows } = await run(choices);
    for (const [index, row] of rows.entries()) {
      expect(choices[index]!.options).toContain(row.said);
      expect(row.wanted).toBe(choices[index]!.options[choices[index]!.answer]);
      expect(row.said === row.wanted).toBe(row.scores.likelihood === 1);
    }
  });

  it('leaves out what does not fit the context, and says so', async () => {
    const long: MultipleChoiceItem = { ...choices[0]!, id: 'long', question: 'why '.repeat(400) };
    const { rows, skipped, drawn, means } = await run([choices[0]!, long, choices[1]!]);
    expect(rows.map(({ id }) => id)).toEqual(['m1', 'm2']);
    expect(skipped).toEqual([{ id: 'long', reason: 'too_long', tokens: expect.any(Number), context: 320 }]);
    expect(skipped[0]!.reason === 'too_long' && skipped[0]!.tokens > 320).toBe(true);
    expect([drawn, means.count]).toEqual([3, 2]);
  });

  it('leaves room for all that an answer may generate', async () => {
    const ofWords = (words: number): ReadingItem => ({
      kind: 'reading',
      id: `${words}`,
      context: 'a '.repeat(words),
      question: 'b',
      answers: ['c'],
      impossible: false,
    });
    const items = Array.from({ length: 8 }, (_, index) => ofWords(303 + index));
    const { skipped, rows } = await measureAbility(model.view(), model.tokenizer!, abilityTasks.atlas_reading, items);
    expect(rows.map(({ id }) => id)).toEqual(['303', '304', '305', '306', '307']);
    // A token a word, one for the question, twelve for the answer.
    expect(skipped.map((item) => item.reason === 'too_long' && item.tokens)).toEqual([321, 322, 323]);
  });

  it('leaves out what has no text', async () => {
    const { skipped, rows } = await run([{ ...choices[0]!, options: ['Rome', ' '] }, choices[1]!]);
    expect(skipped).toEqual([{ id: 'm1', reason: 'unreadable', what: expect.stringContaining('target') }]);
    expect(rows).toHaveLength(1);
  });

  it('draws the same items for the same seed, in their order', async () => {
    const many = Array.from({ length: 30 }, (_, index) => ({ ...choices[index % 3]!, id: `i${index}` }));
    const ids = async (seed: number) => (await run(many, { limit: 7, seed })).rows.map(({ id }) => id);
    const first = await ids(1);
    expect(first).toHaveLength(7);
    expect(await ids(1)).toEqual(first);
    expect(await ids(2)).not.toEqual(first);
    expect([...first].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)))).toEqual(first);
    expect((await run(many, { limit: 99 })).rows).toHaveLength(30);
    await expect(run(many, { limit: -1 })).rejects.toThrow(RangeError);
    await expect(run(many, { batch: 0 })).rejects.toThrow(RangeError);
  });

  it('becomes rows and cases, each beside the same item on the parent', async () => {
    const long: MultipleChoiceItem = { ...choices[0]!, id: 'long', question: 'why '.repeat(400) };
    const items = [choices[0]!, long, choices[1]!];
    const parent = await run(items);
    const candidate = await measureAbility(destroyed(model), model.tokenizer!, abilityTasks.mmlu, items);
    const place = { moment: 'end', edits: 7 } as const;
    const { cases, rows } = evaluationResultsSchema.parse(abilityResults(candidate, place, parent));
    expect(rows).toHaveLength(2 * abilityTasks.mmlu.scores.length);
    expect(rows.find(({ metric, case_id }) => metric === 'ability.mmlu.first_token' && case_id === 'mmlu/m2')).toEqual({
      ...place,
      case_id: 'mmlu/m2',
      metric: 'ability.mmlu.first_token',
      version: abilityTasks.mmlu.version,
      value: 1 / 4,
      before: parent.rows[1]!.scores.first_token,
      count: 1,
    });
    expect(cases.map(({ case_id, outcome, error }) => [case_id, outcome, error?.code])).toEqual([
      ['mmlu/m1', 'measured', undefined],
      ['mmlu/m2', 'measured', undefined],
      ['mmlu/long', 'failed', 'prompt_too_long'],
    ]);
    expect(cases[0]).toMatchObject({
      prompt: 'Question: The capital of Italy is\nAnswer:',
      target: 'Rome',
      answer_before: parent.rows[0]!.said,
      answer_after: candidate.rows[0]!.said,
    });
    expect(abilityResults(candidate, place).rows.every(({ before }) => before === null)).toBe(true);
  });

  it('of nothing has no means', async () => {
    expect(await run([])).toMatchObject({ rows: [], means: { count: 0, scores: {}, chance: null }, groups: {} });
  });

  it('takes a version’s readings from its cache', async () => {
    const cache = createAbilityCache();
    for (const id of ['mmlu', 'squad_v2'] as const) {
      const first = await measure(id, model.view(), model, wanted[id], { cache });
      // Another view under the same cache gives the first one's answers: it was not asked.
      expect(await measure(id, destroyed(model), model, wanted[id], { cache })).toEqual(first);
      expect(await measure(id, destroyed(model), model, wanted[id])).not.toEqual(first);
    }
  });

  it('tells its progress, and stops between batches when told to', async () => {
    const told: number[] = [];
    await run(choices, { batch: 2, onProgress: ({ done }) => told.push(done) });
    expect(told).toEqual([0, 2, 3]);
    const controller = new AbortController();
    const stopped = run(choices, {
      batch: 1,
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 1) controller.abort(new Error('enough'));
      },
    });
    await expect(stopped).rejects.toThrow('enough');
  });
});

const stories = join(shared, 'models/tinystories656k');
describe.skipIf(!existsSync(stories))('real files on a real model (needs ../shared/data)', () => {
  const wanted = json<Record<'csqa' | 'mmlu' | 'squad_v2', readonly (ExpectedRow & { too_long?: true })[]>>(
    join(fixtures, 'tinystories.json'),
  );
  let model: Model;
  beforeAll(async () => {
    model = await openDirectory(stories);
  });
  afterAll(() => model.release());

  /** Those items of a file that the oracle was asked about; `named` makes its ids of theirs. */
  async function askedItems(
    file: string,
    rows: readonly ExpectedRow[],
    named = (id: string) => id,
  ): Promise<readonly SuiteItem[]> {
    const { items } = await loadDataset(join(shared, 'general', file), { limit: 50 });
    return items.filter(({ id }) => rows.some((row) => row.id === named(id)));
  }

  it('scores CommonsenseQA as transformers does', async () => {
    const suite = abilitySuite('csqa', await askedItems('csqa_dev.jsonl', wanted.csqa));
    const { rows } = await suite.measure(model.view(), model.tokenizer!);
    expect(rows).toHaveLength(wanted.csqa.length);
    for (const [index, row] of rows.entries()) expectRow(row, wanted.csqa[index]!);
  });

  it('scores MMLU as transformers does', async () => {
    const own = (id: string) => id.replace('world_religions-', '');
    const suite = abilitySuite('mmlu', await askedItems('mmlu/world_religions_test.csv', wanted.mmlu, own));
    const { rows, groups } = await suite.measure(model.view(), model.tokenizer!);
    expect(rows).toHaveLength(wanted.mmlu.length);
    expect(Object.keys(groups)).toEqual(['world religions']);
    for (const [index, row] of rows.entries()) expectRow({ ...row, id: own(row.id) }, wanted.mmlu[index]!);
  });

  it('scores SQuAD as transformers does, and leaves out what is too long for the model', async () => {
    const suite = abilitySuite('squad_v2', await askedItems('squad_v2_sample.json', wanted.squad_v2));
    const { rows, skipped } = await suite.measure(model.view(), model.tokenizer!);
    expect(skipped.map(({ id }) => id)).toEqual(wanted.squad_v2.filter((row) => row.too_long).map(({ id }) => id));
    const asked = wanted.squad_v2.filter((row) => !row.too_long);
    expect(rows).toHaveLength(asked.length);
    for (const [index, row] of rows.entries()) expectRow(row, asked[index]!);
  });
});
