// Reports of runs written by hand: what a page must hold, what it must not do, and what its files say.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EvaluationCase, type EvaluationRow, noCost } from '@errata/contracts';
import { afterAll, describe, expect, it } from 'vitest';
import { rowOf } from '../cases/measurements.ts';
import { makeManifest, openRun, type RunManifest } from '../protocols/run-directory.ts';
import { csvHead, csvLines } from './csv.ts';
import { reportPage } from './page.ts';
import { makeReport } from './report.ts';
import { type RunLabels, reportRun } from './runs.ts';
import type { RunFindings } from './summary.ts';
import { formatNumber, tableHtml, withoutGaps } from './table.ts';
import { worstCases } from './worst-cases.ts';
import { writeReport } from './write-report.ts';

const manifest = (fields: Partial<RunManifest> = {}): RunManifest =>
  makeManifest({
    metrics: 'd'.repeat(64),
    model: 'a'.repeat(64),
    data: { digest: 'b'.repeat(64), cases: 3, edits: 3, rejected: 0 },
    editor: 'rome',
    config: { layer: 2 },
    seed: 7,
    protocol: { kind: 'lifelong', batch: 1 },
    held_text: null,
    writers: 0,
    ability: [],
    questions: null,
    ...fields,
  });

type At = Pick<EvaluationRow, 'moment' | 'edits'>;

const caseAt = (case_id: string, at: At, fields: Partial<EvaluationCase> = {}): EvaluationCase => ({
  ...at,
  case_id,
  outcome: 'measured',
  error: null,
  prompt: `Where is ${case_id}?`,
  target: 'Rome',
  answer_before: 'Paris',
  answer_after: 'Rome',
  ...fields,
});

const row = (case_id: string, at: At, metric: string, value: number, before: number | null = null): EvaluationRow =>
  rowOf({ metric, value, before, count: 1 }, { ...at, case_id });

/** A stream of three edits, of which the second is forgotten and the third breaks a neighbour. */
function findings(fields: Partial<RunManifest> = {}): RunFindings {
  const places: At[] = [
    { moment: 'once', edits: 3 },
    { moment: 'curve', edits: 1 },
    { moment: 'end', edits: 3 },
  ];
  const holds = (id: string, at: At) => (id === 'two' && at.moment === 'end' ? 0 : 1);
  const cases = places.flatMap((at) =>
    ['one', 'two', 'three'].slice(0, at.edits).map((id) =>
      caseAt(id, at, {
        ...(holds(id, at) === 0 && { answer_after: 'Paris <i>again</i>' }),
        ...(id === 'three' && {
          regressions: [
            { metric: 'locality.neighbourhood', prompt: 'Where is four?', target: null, before: 'Oslo', after: 'Rome' },
          ],
        }),
      }),
    ),
  );
  const rows = cases.flatMap(({ case_id, moment, edits }) => {
    const at = { moment, edits };
    const kept = case_id === 'three' ? 0 : 1;
    return [
      ...['token', 'all', 'exact'].map((reading) => row(case_id, at, `reliability.${reading}`, holds(case_id, at), 0)),
      ...['token', 'all', 'exact'].map((reading) => row(case_id, at, `locality.${reading}`, kept)),
    ];
  });
  const perplexities = places.slice(1).map((at) => row('held text', at, 'perplexity', 20 * at.edits, 18));
  const failed = caseAt('four', places[0]!, {
    outcome: 'failed',
    error: { code: 'edit_failed', message: 'the search did not converge' },
    answer_before: null,
    answer_after: null,
  });
  return {
    manifest: manifest(fields),
    cases: [...cases, failed],
    rows: [...rows, ...perplexities],
    units: [
      {
        name: 'all',
        cost: {
          ...noCost,
          edits: 3,
          edit_seconds: 1.5,
          answers: 90,
          answer_seconds: 3,
          stored_bytes: 3000,
          peak_bytes: 5e8,
        },
      },
    ],
  };
}

const labels: RunLabels = { name: 'rome', model: 'atlas', data: 'facts.jsonl' };
const text = (html: string) =>
  html
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

describe('a page', () => {
  const page = reportPage(makeReport('ROME & three edits', [reportRun(labels, findings())]));

  it('says what was run, on what, and how', () => {
    expect(page).toContain('<title>ROME &amp; three edits</title>');
    expect(text(page)).toContain('atlas · facts.jsonl, 3 edits · all edits in sequence on one model · seed 7');
    for (const digest of ['a'.repeat(64), 'b'.repeat(64)]) expect(page).toContain(digest);
    expect(text(page)).toContain('&quot;layer&quot;: 2');
  });

  it('has the figures right after each edit and at the end apart, and the unedited model above them', () => {
    const found = text(page);
    expect(found).toMatch(/no edit 0\.0 .*right after each edit 100\.0 .*after 1 edit 100\.0 .*after 3 edits 66\.7/);
    expect(found).toMatch(/SR ↑ ER ↑.*rome 100\.0 66\.7/);
    expect(found).toMatch(/500 ms|0\.50 s/);
  });

  it('begins with what came of it, and ends with what every metric is', () => {
    const found = text(page);
    expect(found).toMatch(
      /seed 7 rome after 3 edits: 66\.7 % of the edits hold · 66\.7 % of what lies near is as it was · perplexity 60\.00, was 18\.00/,
    );
    expect(found).toMatch(/no edit 0\.0 100\.0/);
    expect(found).toMatch(
      /What is measured .*Reliability reliability\.token, reliability\.all, reliability\.exact The edit/,
    );
  });

  it('says how many edits contradict each other', () => {
    const two = ['one', 'two'].map((id) => caseAt(id, { moment: 'end', edits: 2 }, { prompt: 'Where?', target: id }));
    const clashing = { ...findings(), cases: two };
    expect(text(reportPage(makeReport('T', [reportRun(labels, clashing)])))).toContain(
      'of which 2 contradict each other',
    );
  });

  it('draws what was measured at several numbers of edits', () => {
    const titles = [...page.matchAll(/<figcaption>([^<]*)</g)].map(([, title]) => title);
    expect(titles).toEqual([
      'Reliability, by free generation',
      'Locality, by free generation',
      'Reliability, by token',
      'Locality, by token',
      'Perplexity of held text',
    ]);
  });

  it('shows the worst cases with text before and after, regressions first, and those that failed', () => {
    const found = text(page);
    expect(found.indexOf('Where is three?')).toBeLessThan(found.indexOf('Where is two?'));
    expect(found).toMatch(/Where is four\? Oslo Rome/);
    expect(found).toContain('Paris &lt;i&gt;again&lt;/i&gt;');
    expect(found).toMatch(/Failed cases.*four 3 the search did not converge/);
  });

  it('needs nothing but itself', () => {
    expect(page).not.toMatch(/<script|<link|<img|https?:|@import|url\(/);
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page).toContain('width=device-width');
  });
});

describe('a page of several runs', () => {
  const better = { ...findings({ editor: 'grace' }), rows: findings().rows.map((each) => ({ ...each, value: 1 })) };
  const other = { ...labels, name: 'grace' };

  it('puts those of one model, data and protocol into one table, and each against the first', () => {
    const report = makeReport('Two', [reportRun(labels, findings()), reportRun(other, better)]);
    const page = reportPage(report);
    expect(text(page)).toMatch(/after 3 edits rome 66\.7 .*grace 100\.0/);
    expect(page).not.toContain('group-title"');
    // Three cases tell nobody who is better.
    expect(page).not.toContain('class="best"');
    expect(report.compared).toMatchObject([{ first: 0, other: 1 }]);
    expect(text(page)).toContain('grace against rome: surely worse in 0 of 5 metrics, surely better in 0');
  });

  it('marks the best where it is so beyond chance, and lists what is surely worse first', () => {
    const twenty = (metric: string, holds: (index: number) => boolean) =>
      Array.from({ length: 20 }, (_, index) =>
        row(`${index}`, { moment: 'end', edits: 3 }, `${metric}.exact`, holds(index) ? 1 : 0),
      );
    const run = (name: string, reliable: number, local: number) =>
      reportRun(
        { ...labels, name },
        {
          ...findings({ editor: name }),
          rows: [
            ...twenty('reliability', (index) => index < reliable),
            ...twenty('locality', (index) => index < local),
          ],
        },
      );
    const report = makeReport('Two', [run('rome', 19, 18), run('grace', 20, 4)]);
    expect(report.leads).toMatchObject([{ metric: 'locality.exact', moment: 'end', edits: 3, run: 0, next: 1 }]);
    expect(report.compared[0]!.metrics.map(({ metric, losses }) => [metric, losses])).toEqual([
      ['locality.exact', 14],
      ['reliability.exact', 0],
    ]);
    expect(report.compared[0]!.metrics[0]!.worst).toHaveLength(3);
    const page = reportPage(report);
    expect(page).toMatch(/<th scope="row">rome<\/th><td class="">95\.0.*?<td class="best">90\.0/);
    expect(text(page)).toContain('grace against rome: surely worse in 1 of 2 metrics, surely better in 0');
  });

  it('keeps others apart', () => {
    const elsewhere = findings({ data: { digest: 'c'.repeat(64), cases: 3, edits: 3, rejected: 0 } });
    const page = reportPage(
      makeReport('Two', [reportRun(labels, findings()), reportRun({ ...other, data: 'others.jsonl' }, elsewhere)]),
    );
    expect([...page.matchAll(/<h2 class="group-title">([^<]*)</g)].map(([, title]) => title)).toEqual([
      'atlas · facts.jsonl',
      'atlas · others.jsonl',
    ]);
  });
});

describe('efficiency', () => {
  it('is told at each checkpoint, beside the unedited model', () => {
    const unit = (name: string, cost: object) => ({ name, cost: { ...noCost, ...cost } });
    const run = reportRun(labels, {
      manifest: manifest({ protocol: { kind: 'efficiency', answers: 2, checkpoints: [2] } }),
      cases: [],
      rows: [],
      units: [
        unit('edits to 2', { edits: 2, edit_seconds: 3, stored_bytes: 4000 }),
        unit('base beside 2', { answers: 2, answer_seconds: 0.02 }),
        unit('answers at 2', { answers: 2, answer_seconds: 0.03 }),
        unit('edits to 3', { edits: 1, edit_seconds: 1, stored_bytes: 9000 }),
      ],
    });
    expect(run.run.efficiency).toEqual([
      { edits: 2, edit_seconds: 1.5, stored_bytes: 2000, answer_seconds: 0.015, base_answer_seconds: 0.01 },
    ]);
    expect(text(reportPage(makeReport('Costs', [run])))).toMatch(/after 2 edits 1\.50 s 2\.0 kB 15 ms 10 ms 1\.50/);
  });
});

describe('worst cases', () => {
  it('leave out those that hold and broke nothing', () => {
    const { cases, rows } = findings();
    const end = ({ moment }: { moment: string }) => moment === 'end';
    const worst = worstCases(cases.filter(end), rows.filter(end), 10);
    expect(worst.map(({ case_id, lost, holds }) => [case_id, lost, holds])).toEqual([
      ['three', 1, true],
      ['two', 0, false],
    ]);
  });
});

describe('tables', () => {
  it('leave out columns and rows without figures', () => {
    const columns = [
      { title: 'A', format: 'share' },
      { title: 'B', format: 'share' },
    ] as const;
    const table = {
      title: 'T',
      columns,
      rows: [
        { name: 'x', cells: [null, { value: 0.5 }] },
        { name: 'y', cells: [null, null] },
      ],
    };
    const kept = withoutGaps(table)!;
    expect(kept.columns.map(({ title }) => title)).toEqual(['B']);
    expect(kept.rows.map(({ name }) => name)).toEqual(['x']);
    expect(withoutGaps({ ...table, rows: [] })).toBeUndefined();
    expect(tableHtml(kept).html).toContain('50.0');
  });

  it('print numbers as papers do', () => {
    expect(formatNumber(0.9666, 'share')).toBe('96.7');
    expect(formatNumber(-0.047, 'points')).toBe('−4.7');
    expect(formatNumber(-0.0001, 'points')).toBe('0.0');
    expect(formatNumber(6.266, 'entropy')).toBe('626.6');
    expect([0.0042, 0.31, 12.34].map((value) => formatNumber(value, 'seconds'))).toEqual([
      '4.2 ms',
      '0.31 s',
      '12.3 s',
    ]);
    expect([512, 5112, 5.3e8].map((value) => formatNumber(value, 'bytes'))).toEqual(['512 B', '5.1 kB', '530.0 MB']);
    expect([20.3456, 1234.5, 4.2e7].map((value) => formatNumber(value, 'number'))).toEqual(['20.35', '1235', '4.2e7']);
  });
});

describe('files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'errata-report-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are a page, the numbers and all rows, and say the same however often they are written', async () => {
    const { cases, rows } = findings();
    const directory = join(folder, 'run');
    const run = await openRun(directory, manifest(), false);
    await run.commit({ name: 'all', cost: { ...noCost, edits: 3 } }, { cases, rows });
    await run.close();
    const report = await writeReport(directory, 'T', [{ directory, labels }]);
    expect(readdirSync(directory).sort()).toEqual(['index.html', 'report.json', 'rows.csv', 'rows.jsonl', 'run.json']);
    const written = ['index.html', 'report.json', 'rows.csv'].map((name) =>
      readFileSync(join(directory, name), 'utf8'),
    );
    await writeReport(directory, 'T', [{ directory, labels }]);
    expect(
      ['index.html', 'report.json', 'rows.csv'].map((name) => readFileSync(join(directory, name), 'utf8')),
    ).toEqual(written);
    expect(JSON.parse(written[1]!)).toEqual(JSON.parse(JSON.stringify(report)));
    expect(written[2]!.split('\r\n')).toHaveLength(rows.length + 2);
  });

  it('quote what would break a line of CSV', () => {
    const odd = { ...row('a "b", c', { moment: 'end', edits: 1 }, 'reliability.token', 0.5) };
    const [line] = [...csvLines('rome', [odd])];
    expect(csvHead).toBe('run,case_id,moment,edits,metric,version,value,before,count\r\n');
    expect(line).toBe('rome,"a ""b"", c",end,1,reliability.token,1,0.5,,1\r\n');
  });
});
