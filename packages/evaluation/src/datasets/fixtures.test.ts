// Every layout on a few records of our own: what is recognised, used, mended, left out and rejected.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { layouts } from './catalogue.ts';
import { openDataset } from './read-dataset.ts';
import { datasetRules } from './rules.ts';
import { rawRecords } from './source/records.ts';
import { type RecordNote, surveyDataset } from './survey.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const told = (notes: readonly RecordNote[]) => notes.map(({ record, field, rule }) => `${record} ${field} ${rule}`);

interface Expected {
  readonly layout: string;
  /** The other layouts that its records fit as well, so that it has to be named. */
  readonly or?: readonly string[];
  /** Records, and edits or items of those that are used. */
  readonly counts: readonly [records: number, used: number];
  readonly rejected: readonly string[];
  readonly repaired?: readonly string[];
  readonly dropped?: readonly string[];
}

const expected: Readonly<Record<string, Expected>> = {
  'counterfact.json': {
    layout: 'counterfact',
    counts: [5, 3],
    rejected: ['2 requested_rewrite.target_new.str empty', '3 requested_rewrite.subject subject_not_in_prompt'],
    repaired: ['4 id duplicate_custom_id'],
    dropped: ['1 paraphrase_prompts.1 empty'],
  },
  'counterfact-flat.json': { layout: 'counterfact_flat', counts: [3, 3], rejected: [] },
  'zsre-mend.json': {
    layout: 'zsre_mend',
    counts: [5, 2],
    rejected: ['1 alt missing', '2 answers empty', '4 subject subject_not_in_prompt'],
    repaired: ['0 alt surrounding_space', '3 subject subject_spelling'],
  },
  'zsre-knowedit.json': {
    layout: 'zsre_knowedit',
    counts: [3, 2],
    rejected: ['1 ground_truth empty'],
    dropped: [
      '2 rephrase_prompt empty',
      '2 portability.Subject_Aliasing.1.ground_truth empty',
      '2 portability.Crossword unknown_value',
    ],
  },
  'wiki-counterfact.json': {
    layout: 'wiki_counterfact',
    counts: [5, 4],
    rejected: ['2 target_new missing'],
    repaired: ['3 subject subject_spelling'],
    dropped: ['1 ground_truth empty', '4 ground_truth same_targets'],
  },
  'wiki-recent.json': { layout: 'wiki_recent', counts: [2, 1], rejected: ['1 target_new empty'] },
  'wikibio.json': {
    layout: 'wikibio',
    counts: [2, 1],
    rejected: ['1 labels too_long'],
    repaired: ['0 text surrounding_space'],
  },
  'ripple-edits.json': {
    layout: 'ripple_edits',
    counts: [5, 3],
    rejected: ['3 edit.relation unknown_value', '4 edit.prompt unknown_wording'],
    dropped: ['0 Compositionality_II.0.test_queries.0.answers empty', '1 edit.original_fact.prompt empty'],
  },
  'mquake.json': {
    layout: 'mquake',
    counts: [3, 2],
    rejected: ['1 requested_rewrite.1.target_new.str empty', '2 questions empty'],
  },
  'known-1000.json': { layout: 'known_1000', counts: [2, 1], rejected: ['1 subject subject_not_in_prompt'] },
  'rome-requests.json': {
    layout: 'rome_requests',
    counts: [3, 2],
    rejected: ['2 target_new.str empty'],
    repaired: ['0 target_new.str surrounding_space'],
    dropped: ['1 note unread'],
  },
  'fastedit.json': {
    layout: 'fastedit',
    counts: [3, 2],
    rejected: ['2 subject subject_not_in_prompt'],
    dropped: ['0 queries.1 empty'],
  },
  'easyedit-columns.json': {
    layout: 'easyedit',
    counts: [3, 2],
    rejected: ['2 target_new empty'],
    dropped: [
      '0 locality_inputs.riddles unknown_value',
      '1 locality_inputs.riddles unknown_value',
      '1 portability_inputs.one_hop.ground_truth missing',
    ],
  },
  'easyedit-records.jsonl': { layout: 'easyedit', counts: [2, 2], rejected: [], dropped: ['1 epoch unread'] },
  'cknowedit.json': {
    layout: 'cknowedit',
    counts: [2, 1],
    rejected: ['1 target_new empty'],
    dropped: ['0 source unread', '0 locality.1.prompt empty'],
  },
  'mzsre.json': {
    layout: 'mzsre',
    counts: [4, 3],
    rejected: ['1 alt empty'],
    dropped: ['1 subject subject_not_in_prompt', '1 rephrase empty'],
  },
  'unke.json': {
    layout: 'unke',
    counts: [2, 1],
    rejected: ['1 answer empty'],
    dropped: ['0 sub_answer.2 empty'],
  },
  'akew.json': {
    layout: 'akew',
    or: ['counterfact', 'mquake'],
    counts: [3, 3],
    rejected: ['2 requested_rewrite.fact_new_uns empty'],
    dropped: ['0 requested_rewrite.unsfact_triplets_GPT.1.target missing'],
  },
  'wikibigedit.json': {
    layout: 'wikibigedit',
    counts: [3, 2],
    rejected: ['2 subject subject_not_in_prompt'],
    dropped: ['0 step unread', '1 mhop_ans missing'],
  },
  'counterfact-tracing.json': {
    layout: 'counterfact_tracing',
    counts: [2, 1],
    rejected: ['1 subject subject_not_in_prompt'],
    repaired: ['0 target_true surrounding_space'],
    dropped: ['0 target_false unread'],
  },
  'relation.json': { layout: 'relations', counts: [2, 1], rejected: ['1 object empty'] },
  'temporal.json': { layout: 'counterfact_flat', counts: [1, 1], rejected: [], dropped: ['0 ood_rephrase unread'] },
  'edits.jsonl': {
    layout: 'jsonl',
    counts: [9, 1],
    rejected: [
      '1  not_json',
      '2 custom_id duplicate_custom_id',
      '3 subject subject_not_in_prompt',
      '4 colour unknown_field',
      '5 target_new control_characters',
      '6  not_an_object',
      '7 target_new same_targets',
      '8  too_deep',
    ],
  },
  'edits.csv': {
    layout: 'csv',
    counts: [5, 2],
    rejected: ['2 target_new missing', '3  wrong_columns', '4 portability.alias.target missing'],
  },
  'csqa.jsonl': {
    layout: 'csqa',
    counts: [4, 2],
    rejected: ['2 answerKey empty', '3 answerKey unknown_value'],
  },
  'tide_pools_test.csv': {
    layout: 'mmlu',
    counts: [4, 2],
    rejected: ['2 choice1 empty', '3 answer unknown_value'],
  },
  'knots_dev.csv': { layout: 'mmlu', counts: [3, 2], rejected: ['2  wrong_columns'] },
  'anli.jsonl': { layout: 'anli', counts: [4, 2], rejected: ['2 label unknown_value', '3 context empty'] },
  'squad-v2.json': { layout: 'squad_v2', counts: [4, 3], rejected: ['2 answers empty'] },
  'squad-flat.json': { layout: 'squad_v2', counts: [4, 3], rejected: ['3 answers missing'] },
  'suite.jsonl': {
    layout: 'suite',
    counts: [12, 7],
    rejected: [
      '7 answer unknown_value',
      '8 kind unknown_value',
      '9 id duplicate_custom_id',
      '10 answers empty',
      '11 length unknown_field',
    ],
  },
  'nq-open.jsonl': { layout: 'nq_open', counts: [2, 1], rejected: ['1 answer empty'] },
};

const opened = (name: string) => openDataset(fixture(name), expected[name]!.or && expected[name]!.layout);

describe('fixtures', () => {
  it.each(Object.keys(expected))('no record of %s fits two layouts, or it is asked about', async (name) => {
    const { or = [] } = expected[name]!;
    if (or.length > 0) await expect(openDataset(fixture(name))).rejects.toMatchObject({ code: 'unknown_layout' });
    const { written } = await opened(name);
    for await (const raw of rawRecords(fixture(name), written, (row) => layouts.some((each) => each.isHeader?.(row)))) {
      const fitting = layouts.filter((each) => each.fits(raw)).map((each) => each.name);
      expect(fitting.length, fitting.join(' or ')).toBeLessThanOrEqual(1 + or.length);
    }
  });

  it.each(Object.keys(expected))('%s is recognised, counted, and its faults are named', async (name) => {
    const { layout, counts, rejected, repaired = [], dropped = [] } = expected[name]!;
    const report = await surveyDataset(await opened(name));
    expect({
      layout: report.layout,
      counts: [report.records, report.edits + report.items],
      rejected: told(report.rejected),
      repaired: told(report.repaired),
      dropped: told(report.dropped),
    }).toEqual({ layout, counts, rejected, repaired, dropped });
  });

  it('cover every layout and every rule', async () => {
    expect(new Set(Object.values(expected).map(({ layout }) => layout))).toEqual(
      new Set(layouts.map(({ name }) => name)),
    );
    const reports = await Promise.all(Object.keys(expected).map(async (name) => surveyDataset(await opened(name))));
    const notes = reports.flatMap(({ rejected, repaired, dropped }) => [...rejected, ...repaired, ...dropped]);
    const seen = new Set(notes.map(({ rule }) => rule));
    // Fields of another type are met in read-dataset.test.ts.
    expect(Object.keys(datasetRules).filter((rule) => !seen.has(rule as never))).toEqual(['wrong_type']);
  });
});
