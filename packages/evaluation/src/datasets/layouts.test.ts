// What each layout makes of a record, field by field.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { itemsOfCase } from './as-suite.ts';
import type { DatasetCase } from './cases.ts';
import type { SuiteItem } from './items.ts';
import { readStatement } from './layouts/ripple-relations.ts';
import { loadDataset } from './survey.ts';

const load = (name: string) => loadDataset(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)));
const casesOf = async (name: string): Promise<readonly DatasetCase[]> => (await load(name)).cases;
const itemsOf = async (name: string): Promise<readonly SuiteItem[]> => (await load(name)).items;
const editsOf = async (name: string) => (await casesOf(name)).map(({ edits }) => edits[0]!);

describe('CounterFact', () => {
  it('fills the subject in, and keeps neighbours, relation and prompts for free text', async () => {
    const [first, second, third] = await casesOf('counterfact.json');
    expect(first).toEqual({
      id: 'counterfact-7',
      edits: [
        {
          custom_id: 'counterfact-7',
          prompt: 'The harbour of Port Ondine lies on',
          subject: 'Port Ondine',
          target_new: 'the Grey Lake',
          target_true: 'the Amber Sea',
          relation: 'P206',
          rephrases: ['Ships reach Port Ondine across', 'Port Ondine looks out over'],
          locality: {
            neighbourhood: [
              { prompt: 'The harbour of Saltmouth lies on', target: 'the Amber Sea' },
              { prompt: 'The harbour of Vell lies on', target: 'the Amber Sea' },
            ],
          },
          portability: {},
        },
      ],
      generation: {
        prompts: ['Port Ondine is known for', 'Travellers to Port Ondine see'],
        attribute: ['The harbour of Quillan lies on'],
      },
    });
    expect(second?.edits[0]?.rephrases).toEqual(['The builder of Lanthorn Bridge is']);
    expect([third?.id, third?.edits[0]?.custom_id]).toEqual(['counterfact-8#4', 'counterfact-8#4']);
  });

  it('has one rephrase and one neighbour when flat', async () => {
    const [first, second] = await editsOf('counterfact-flat.json');
    expect(first).toMatchObject({
      custom_id: 'counterfact_flat-0',
      target_true: 'the Amber Sea',
      rephrases: ['It had rained. Port Ondine looks out over'],
      locality: { neighbourhood: [{ prompt: 'The harbour of Saltmouth lies on', target: 'the Amber Sea' }] },
      metadata: { split: 'val' },
    });
    expect(second).toMatchObject({ rephrases: [], locality: {} });
  });
});

describe('ZsRE', () => {
  it('is edited towards `alt`; the unrelated question is another task', async () => {
    const [first, second] = await editsOf('zsre-mend.json');
    expect(first).toEqual({
      custom_id: 'zsre_mend-0',
      prompt: 'What does Brindle Press print?',
      subject: 'Brindle Press',
      target_new: 'sheet music',
      target_true: 'maps',
      rephrases: ['What is printed by Brindle Press?'],
      locality: {
        other_tasks: [{ prompt: 'nq question: who keeps the lamp on the north pier', target: 'the harbour master' }],
      },
      portability: {},
    });
    expect(second).toMatchObject({
      subject: 'the Moth Lantern',
      locality: { other_tasks: [{ prompt: 'nq question: how deep is the grey lake' }] },
      portability: {
        one_hop: [{ prompt: 'Where was the maker of the Moth Lantern born?', target: 'Quillan' }],
      },
    });
    expect(second?.locality.other_tasks?.[0]).not.toHaveProperty('target');
  });
});

describe('KnowEdit', () => {
  it('sorts its probes into the kinds of the field, with every spelling of an answer', async () => {
    const [first, second, third] = await editsOf('wiki-counterfact.json');
    expect(first).toMatchObject({
      custom_id: 'wiki_counterfact-0',
      target_true: 'Ostrel',
      portability: {
        alias: [{ prompt: 'The name of the country which Singers of Vell is associated with is', target: 'Marrow' }],
        inverse: [{ prompt: 'The name of the choir of Marrow is', target: 'Vell Choir' }],
        one_hop: [{ target: 'Low Marrow', aliases: ['Marrow Town'] }],
      },
      locality: {
        other_relations: [{ prompt: 'The name of the founder of Vell Choir is', target: 'Lio Tamm' }],
        distracting: [{ target: 'Ostrel' }, { prompt: 'The name of the other country of Vell Choir is' }],
      },
    });
    expect(second).not.toHaveProperty('target_true');
    expect(third?.subject).toBe('Hanno, Piet');
    expect(await editsOf('wiki-recent.json')).toMatchObject([{ target_new: 'Saltmouth' }]);
    expect(await editsOf('zsre-knowedit.json')).toMatchObject([
      { rephrases: ['By whom was the Moth Lantern made?'], target_true: 'Ada Vell' },
      { rephrases: [], portability: { alias: [{ target: 'Vell' }] } },
    ]);
  });

  it('reads biographies as a passage that goes on', async () => {
    const [edit] = await editsOf('wikibio.json');
    expect(edit).toMatchObject({
      subject: 'edda marlowe',
      locality: { other_relations: [{ target: 'cartographer' }] },
    });
    expect(edit?.prompt.endsWith('the Amber Sea.')).toBe(true);
    expect(edit?.target_new).toContain('journal of its winds');
  });
});

describe('RippleEdits', () => {
  it('parts subject and answer, and keeps each criterion with its conditions', async () => {
    const [first, second, third] = await casesOf('ripple-edits.json');
    expect(first?.edits[0]).toMatchObject({
      prompt: 'The name of the author of What Is Salt is',
      subject: 'What Is Salt',
      target_new: 'Edda Marlowe',
      target_true: 'Lio Tamm',
      relation: 'AUTHOR',
      aliases: ['E. Marlowe'],
      metadata: { subset: 'popular' },
      locality: { other_relations: [{ target: 'Olle Rusk', aliases: ['O. Rusk'] }] },
      portability: { alias: [{ target: 'Edda Marlowe' }], one_hop: [{ target: 'female' }, { target: 'female' }] },
    });
    // Several answers wanted at once are no probe of an edit.
    expect(first?.edits[0]?.locality).not.toHaveProperty('distracting');
    expect(first?.ripple).toEqual({
      subset: 'popular',
      criteria: {
        relation_specificity: [
          {
            queries: [
              {
                prompt: 'The name of the editor of What Is Salt is',
                answers: [{ value: 'Olle Rusk', aliases: ['O. Rusk'] }],
              },
            ],
            passes: 'any',
            conditions: [
              { prompt: 'The name of the editor of What Is Salt is', answers: [{ value: 'Olle Rusk', aliases: [] }] },
            ],
          },
        ],
        subject_aliasing: [
          expect.objectContaining({
            queries: [
              {
                prompt: 'The name of the author of On Salt is',
                answers: [{ value: 'Edda Marlowe', aliases: ['E. Marlowe'] }],
              },
            ],
          }),
        ],
        compositionality_i: [expect.objectContaining({ passes: 'all', conditions: [expect.anything()] })],
        forgetfulness: [
          expect.objectContaining({
            queries: [
              expect.objectContaining({
                answers: [
                  { value: 'Ben', aliases: [] },
                  { value: 'Ada', aliases: [] },
                ],
              }),
            ],
          }),
        ],
      },
    });
    expect(second?.edits[0]).toMatchObject({ subject: 'Hanno, Piet', target_new: 'Rusk, Olle' });
    expect(second?.edits[0]).not.toHaveProperty('target_true');
    expect(third).toMatchObject({
      edits: [{ subject: 'Lio Tamm', target_new: 'Saltmouth' }],
      ripple: { subset: 'recent', criteria: {} },
    });
  });

  it('gives every reading of a sentence that can be read in several ways', () => {
    expect(readStatement('The name of the author of What is love is Ada Vell.', 'AUTHOR')).toEqual([
      { subject: 'What', answer: 'love is Ada Vell' },
      { subject: 'What is love', answer: 'Ada Vell' },
    ]);
    expect(readStatement('The number of children Ada has is 3.', 'NUMBER_OF_CHILDREN')).toEqual([
      { subject: 'Ada', answer: '3' },
    ]);
    expect(readStatement('Ada follows Ben', 'FOLLOWS')).toEqual([{ subject: 'Ada', answer: 'Ben' }]);
    expect(readStatement('Ada follows Ben', 'constructor')).toEqual([]);
  });
});

describe('MQuAKE', () => {
  it('keeps the edits of a case together, with the questions over its chain', async () => {
    const [first] = await casesOf('mquake.json');
    expect(first?.edits).toMatchObject([
      {
        custom_id: 'mquake-41.0',
        prompt: 'Low Tide was sung by',
        target_new: 'Lio Tamm',
        aliases: ['L. Tamm'],
        rephrases: ['Who sang Low Tide?'],
      },
      { custom_id: 'mquake-41.1', prompt: 'Lio Tamm was born in', target_new: 'Saltmouth', target_true: 'Quillan' },
    ]);
    expect(first?.multiHop).toMatchObject({
      questions: ['Where was the singer of Low Tide born?', 'What is the birthplace of whoever sang Low Tide?'],
      before: { value: 'Vell', aliases: ['Vell Town'] },
      after: { value: 'Saltmouth', aliases: [] },
      hops: { before: [{ answer: { value: 'Ada Vell' } }, {}], after: [{}, { cloze: 'Lio Tamm was born in' }] },
    });
  });

  it('becomes a suite of what should be answered after the edits', async () => {
    const [first] = await casesOf('mquake.json');
    const items = itemsOfCase(first!);
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
    expect(
      items.slice(0, 4).map((item) => item.kind === 'question' && [item.role, item.prompt, item.answers[0]]),
    ).toEqual([
      ['edit', 'Low Tide was sung by', 'Lio Tamm'],
      ['rephrase', 'Who sang Low Tide?', 'Lio Tamm'],
      ['edit', 'Lio Tamm was born in', 'Saltmouth'],
      ['rephrase', 'Where was Lio Tamm born?', 'Saltmouth'],
    ]);
    expect(items.slice(4)).toEqual([
      {
        kind: 'multi_hop',
        id: `${first!.id}/multi_hop`,
        ...first!.multiHop,
        edits: [
          expect.objectContaining({ prompt: 'Low Tide was sung by', target_new: 'Lio Tamm' }),
          expect.objectContaining({ prompt: 'Lio Tamm was born in', target_new: 'Saltmouth' }),
        ],
      },
    ]);
    const [known] = await casesOf('counterfact.json');
    const asked = itemsOfCase(known!);
    expect(asked.map((item) => (item.kind === 'question' ? item.role : item.kind))).toEqual([
      ...['edit', 'rephrase', 'rephrase', 'locality.neighbourhood', 'locality.neighbourhood', 'text'],
    ]);
    expect(itemsOfCase(known!, false)).toEqual(asked.slice(0, -1));
  });
});

describe('plain edits', () => {
  it('are the same in JSON lines and in a table', async () => {
    const [line] = await editsOf('edits.jsonl');
    expect(line).toMatchObject({ custom_id: 'a', prompt: 'The capital of Ostrel is', relation: 'capital' });
    const [row, second] = await editsOf('edits.csv');
    expect(row).toEqual({
      custom_id: 'a',
      prompt: 'The capital of Ostrel is',
      subject: 'Ostrel',
      target_new: 'Vell',
      target_true: 'Saltmouth',
      rephrases: ["Ostrel's capital, today, is", 'Ostrel is ruled from'],
      locality: { neighbourhood: [{ prompt: 'The capital of Marrow is', target: 'Low Marrow' }] },
      portability: {},
      metadata: { desk: 'north' },
    });
    expect(second).toMatchObject({ custom_id: 'csv-1', prompt: 'The "old" name of Vell is' });
    expect(await editsOf('known-1000.json')).toMatchObject([{ target_new: 'Ostrel', relation: 'P17' }]);
  });
});

describe('suites', () => {
  it('find the right option by label, letter or number', async () => {
    expect(await itemsOf('csqa.jsonl')).toEqual([
      {
        kind: 'multiple_choice',
        id: 'q1',
        question: 'Where would you hang a lantern for ships?',
        options: ['a pond', 'a pier', 'a drawer'],
        answer: 1,
        subject: 'lantern',
      },
      {
        kind: 'multiple_choice',
        id: 'q2',
        question: 'What does a chart show?',
        options: ['depths', 'songs'],
        answer: 0,
        subject: 'chart',
      },
    ]);
    expect(await itemsOf('tide_pools_test.csv')).toMatchObject([
      { id: 'tide_pools-0', question: 'Which animal, of these, clings to rocks?', answer: 0, subject: 'tide pools' },
      { id: 'tide_pools-1', options: ['0', '1', '2', '3'], answer: 2 },
    ]);
    expect(await itemsOf('knots_dev.csv')).toMatchObject([
      { id: 'knots-0', answer: 0 },
      { id: 'knots-1', question: 'A knot that jams is called, by sailors,', answer: 2 },
    ]);
  });

  it('read entailment by letter or number', async () => {
    expect(await itemsOf('anli.jsonl')).toMatchObject([
      { kind: 'entailment', id: 'r1-1', label: 'entailment', premise: expect.stringContaining('storm'), group: 'wiki' },
      { kind: 'entailment', id: 'r1-2', label: 'contradiction' },
    ]);
  });

  it('read the shipped tasks, of which entailment has a statement with the opposite truth beside each', async () => {
    const own = (name: string) =>
      loadDataset(fileURLToPath(new URL(`../../../../models/atlas/tasks/${name}.jsonl`, import.meta.url)));
    const [choice, entailment, reading] = await Promise.all(['choice', 'entailment', 'reading'].map(own));
    expect([choice!, entailment!, reading!].map(({ report }) => report)).toMatchObject([
      { layout: 'csqa', rejected: [] },
      { layout: 'anli', rejected: [] },
      { layout: 'squad_v2', rejected: [] },
    ]);
    for (const item of entailment!.items)
      expect(item).toEqual({
        kind: 'entailment',
        id: expect.stringMatching(/^atlas-entailment-/),
        premise: expect.any(String),
        hypothesis: expect.any(String),
        contrast: expect.any(String),
        label: expect.stringMatching(/^(entailment|contradiction)$/),
        group: expect.stringMatching(/^(restated|composed)$/),
      });
  });

  it('give every question its passage, and tell unanswerable ones from broken ones', async () => {
    expect(await itemsOf('squad-v2.json')).toEqual([
      {
        kind: 'reading',
        id: 's1',
        title: 'Lanterns',
        context: 'The lantern hangs on the pier.',
        question: 'Where does the lantern hang?',
        answers: ['on the pier', 'the pier'],
        impossible: false,
      },
      expect.objectContaining({ id: 's2', answers: [], impossible: true, title: 'Lanterns' }),
      expect.objectContaining({ id: 's4', answers: ['at dusk'], title: 'Bells' }),
    ]);
    expect(await itemsOf('squad-flat.json')).toMatchObject([
      { id: 'f1', answers: ['at dusk', 'dusk'], impossible: false },
      { id: 'f2', answers: [], impossible: true },
      { id: 'f3', answers: ['at dusk'] },
    ]);
    expect(await itemsOf('nq-open.jsonl')).toMatchObject([
      { kind: 'question', answers: ['the harbour master', 'harbour master'] },
    ]);
  });
});
