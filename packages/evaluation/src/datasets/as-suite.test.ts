// One format of suite items: what is written of every layout is recognised and read back as it was, here and by the service.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkCases, parseCasesJsonl, suiteItemKinds } from '@errata/contracts';
import { afterAll, expect, test } from 'vitest';
import { itemsOfCase, questionsOfItem, suiteItemsOf } from './as-suite.ts';
import { loadDataset } from './survey.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-as-suite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fixtures = fileURLToPath(new URL('fixtures', import.meta.url));
const kinds = new Set<string>();

const itemsOf = async (file: string) => {
  // The one that has to be named, since its records are of CounterFact and MQuAKE too.
  const { cases, items } = await loadDataset(file, file.endsWith('akew.json') ? { layout: 'akew' } : {});
  return [...cases.map((each) => ({ case: each })), ...items.map((item) => ({ item }))].flatMap((content) =>
    suiteItemsOf(content),
  );
};

test.each(readdirSync(fixtures))('%s as a suite is read back as it was', async (name) => {
  const items = await itemsOf(join(fixtures, name));
  expect(items).not.toEqual([]);
  for (const { kind } of items) kinds.add(kind);
  const text = items.map((item) => `${JSON.stringify(item)}\n`).join('');
  const file = join(folder, `${name}.suite`);
  writeFileSync(file, text);
  const { report, items: again } = await loadDataset(file);
  expect(report).toMatchObject({ layout: 'suite', items: items.length, rejected: [], repaired: [], dropped: [] });
  expect(again).toEqual(items);
  const parsed = parseCasesJsonl(text);
  expect(parsed).toEqual({ cases: items, errors: [] });
  expect(checkCases(items)).toEqual(parsed);
});

test('the fixtures hold every kind of item', () => {
  expect(kinds).toEqual(new Set(suiteItemKinds));
});

test('plain questions of a suite are those of the data set that it was made of', async () => {
  const { cases } = await loadDataset(join(fixtures, 'mquake.json'));
  const questions = cases.flatMap((each) => itemsOfCase(each)).flatMap(questionsOfItem);
  expect(questions.filter(({ role }) => role === 'multi_hop').map(({ prompt, answers }) => [prompt, answers])).toEqual(
    cases.flatMap(({ multiHop }) =>
      multiHop!.questions.map((question) => [question, [multiHop!.after.value, ...multiHop!.after.aliases]]),
    ),
  );
  expect(new Set(questions.map(({ id }) => id)).size).toBe(questions.length);
});

test('a task is written into the items that it asks, and refuses others', async () => {
  const { items } = await loadDataset(join(fixtures, 'csqa.jsonl'));
  expect(suiteItemsOf({ item: items[0]! }, { task: 'atlas_choice' })).toEqual([{ ...items[0], task: 'atlas_choice' }]);
  expect(() => suiteItemsOf({ item: items[0]! }, { task: 'anli' })).toThrow(
    expect.objectContaining({ code: 'invalid_request' }),
  );
});
