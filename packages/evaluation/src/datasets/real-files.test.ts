// The real files of the benchmarks, where they are at hand: nothing of them is in the repository.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readStatement, rippleClozes } from './layouts/ripple-relations.ts';
import { openDataset } from './read-dataset.ts';
import { type DatasetReport, loadDataset, surveyDataset } from './survey.ts';

const shared = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));
const survey = async (path: string): Promise<DatasetReport> => surveyDataset(await openDataset(join(shared, path)));

describe.skipIf(!existsSync(shared))('real files (skipped where ../shared/data is absent)', () => {
  it.each([
    ['counterfact/counterfact.json', 'counterfact_flat', 21919, 21919],
    ['counterfact/counterfact_full_1000.json', 'counterfact', 1000, 1000],
    ['knowedit/wikibio.json', 'wikibio', 306, 306],
    ['mquake/mquake_hard.json', 'mquake', 429, 4 * 429],
    ['tracing/known_1000.json', 'known_1000', 1209, 1209],
    ['general/csqa_dev.jsonl', 'csqa', 1221, 1221],
    ['general/squad_v2_sample.json', 'squad_v2', 1978, 1978],
    ['general/nq_open_dev.jsonl', 'nq_open', 3610, 3610],
  ])('%s is %s, and all of it can be used', async (path, layout, records, used) => {
    const report = await survey(path);
    expect(report).toMatchObject({ layout, records, rejected: [], dropped: [] });
    expect(report.edits + report.items).toBe(used);
  });

  it("43 facts of KnowEdit's ZsRE are not to change: their answer of before is the new one, and is left out", async () => {
    const report = await survey('zsre/knowedit_zsre.json');
    expect(report).toMatchObject({ layout: 'zsre_knowedit', records: 1304, edits: 1304, rejected: [] });
    expect(report.dropped.map(({ field, rule }) => `${field} ${rule}`)).toEqual(
      Array(43).fill('ground_truth same_targets'),
    );
  });

  it('ZsRE lacks two alternatives, and 17 of the others are the answer', async () => {
    const report = await survey('zsre/zsre_mend_1000.json');
    expect(report).toMatchObject({ records: 1000, edits: 998 });
    expect(report.dropped.map(({ field, rule }) => `${field} ${rule}`)).toEqual(
      Array(17).fill('answers.0 same_targets'),
    );
    expect(report.rejected).toEqual([
      { record: 534, field: 'alt', rule: 'empty' },
      { record: 723, field: 'alt', rule: 'empty' },
    ]);
    expect(new Set(report.repaired.map(({ field, rule }) => `${field} ${rule}`))).toEqual(
      new Set(['alt surrounding_space']),
    );
  });

  it('one Wikidata counterfactual has no known answer, and is words of relations of RippleEdits all the same', async () => {
    const { report, cases } = await loadDataset(join(shared, 'knowedit/wiki_counterfact.json'));
    expect(report).toMatchObject({ records: 1428, edits: 1428, rejected: [] });
    const dropped = report.dropped.map(({ field, rule }) => `${field} ${rule}`).sort();
    expect(dropped).toEqual(['ground_truth empty', ...Array(6).fill('ground_truth same_targets')]);
    // Its prompts are RippleEdits' own: nearly every one is read with the subject that the file gives.
    const read = cases.filter(({ edits: [edit] }) =>
      Object.keys(rippleClozes).some((relation) =>
        readStatement(`${edit!.prompt} X.`, relation).some(
          ({ subject, answer }) => subject === edit!.subject && answer === 'X',
        ),
      ),
    );
    expect(read.length / cases.length).toBeGreaterThan(0.99);
  });

  it('every subject of MMLU is read', async () => {
    const files = readdirSync(join(shared, 'general/mmlu'));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const report = await survey(join('general/mmlu', file));
      expect(report).toMatchObject({ layout: 'mmlu', rejected: [], items: report.records });
      expect(report.records).toBeGreaterThan(50);
    }
  });
});
