// The page about one version: nothing of what people or models wrote is markup, what broke is told, and what is long is cut with a word.
import { type CaseResult, type EvaluationOutcome, type EvaluationSummary, noCost } from '@errata/contracts';
import { expect, test } from 'vitest';
import { type VersionReport, versionPage } from './version-page.ts';

const result = (position: number, fields: Partial<CaseResult> = {}): CaseResult => ({
  position,
  moment: 'end',
  edits: 4,
  case_id: `c${position}`,
  custom_id: `c${position}`,
  kind: 'edit',
  edit_id: null,
  prompt: 'Oz is',
  target: 'green',
  outcome: 'measured',
  error: null,
  answer_before: 'red',
  answer_after: 'green',
  changed: false,
  measures: [],
  regressions: [],
  ...fields,
});

const estimate = (value: number) => ({ value, interval: { low: value - 0.1, high: value + 0.1 } });
const mean = (value: number, before: number | null) => ({
  ...{ version: 1, cases: 3, probes: 4, pooled: value },
  ...estimate(value),
  before: before === null ? null : estimate(before),
  delta: before === null ? null : estimate(value - before),
});
const outcome: EvaluationOutcome = {
  digest: 'd'.repeat(64),
  measured: 3,
  failed: 1,
  changed: 1,
  metrics: {
    'reliability.token': mean(0.9, 0.2),
    'reliability.exact': mean(0.5, 0),
    'locality.token': mean(0.75, null),
    'locality_base.token': mean(0.65, null),
    'efficacy.magnitude': mean(0.25, -0.5),
  },
  places: [],
  cost: noCost,
  run_metrics: { rome_score: { version: 1, ...estimate(0.8) } },
  gate_values: {},
};
const score = { token: 1, all: 1, exact: 1, count: 3 };
const summary: EvaluationSummary = {
  ...{
    edits: 4,
    applied: 3,
    already_holds: 0,
    measured: 3,
    reliability: { before: score, after: score },
    generalization: null,
    locality: null,
  },
  ...{ locality_by_kind: {}, portability_by_kind: {}, delta_norm: 0.1234, seconds: { edit: 0, evaluate: 1.5 } },
  perplexity: { parent: 10, candidate: 12.5 },
};

const report = (fields: Partial<VersionReport> = {}): VersionReport => ({
  model: 'atlas',
  branch: 'main',
  version: `ver_${'a'.repeat(64)}`,
  against: { kind: 'parent', version: `ver_${'b'.repeat(64)}` },
  suite: 'probes that were given',
  allEdits: false,
  summary,
  outcome,
  results: [result(0)],
  ...fields,
});

test('figures stand with their change, and each row in its own unit', () => {
  const page = versionPage(report()).replaceAll(/\s+/g, ' ');
  expect(page).toContain('<h1>atlas@main at ver_aaaaaaaaaaaa</h1>');
  expect(page).toContain('against ver_bbbbbbbbbbbb, the version it was made from');
  expect(page).toMatch(
    /Reliability \(3\)<\/th><td class="">20\.0<\/td><td class="">90\.0<\/td><td class="">70\.0<span class="interval">60\.0–80\.0/,
  );
  expect(page).toMatch(/Efficacy magnitude \(EM\) \(3\)<\/th><td class="">−50\.0/);
  expect(page).toMatch(
    /Perplexity of held text<\/th><td class="">10\.00<\/td><td class="">12\.50<\/td><td class="">2\.50/,
  );
  expect(page).toMatch(/Largest relative change of a matrix<\/th><td class="none">–<\/td><td class="">0\.123/);
  expect(page).toContain('Locality against the base (3)');
  const base = versionPage(report({ against: { kind: 'base', version: `ver_${'b'.repeat(64)}` } }));
  expect(base).not.toContain('Locality against the base');
  expect(versionPage(report({ against: { kind: 'parent', version: report().version } }))).toContain('against itself');
});

test('what broke, what changed and what failed are told; lists are cut with a word', () => {
  const broken = Array.from({ length: 30 }, (_, position) =>
    result(position, {
      changed: true,
      answer_after: '<script>alert(1)</script>',
      regressions: [
        { metric: 'locality.neighbourhood', prompt: 'Ix & co', target: null, before: 'blue', after: '' },
        { metric: 'reliability', prompt: 'Oz is', target: 'green', before: 'green', after: '"no"' },
      ].slice(0, position === 29 ? 2 : 1),
    }),
  );
  const failed = result(30, { outcome: 'failed', error: { code: 'prompt_too_long', message: 'too <long>' } });
  const page = versionPage(report({ results: [...broken, failed] }));
  expect(page).toContain('<h2>What broke: 30 cases</h2>');
  expect(page.indexOf('>c29<')).toBeLessThan(page.indexOf('>c0<'));
  expect(page).toContain('and 6 cases more, in the rows');
  expect(page).toContain('locality: neighbourhood</div>Ix &amp; co<br><s>blue</s> <span class="bad">(nothing)</span>');
  expect(page).toContain('too &lt;long&gt;');
  expect(page).not.toContain('<script>');
});

test('of all edits of a version the share that holds is drawn, by when they were made', () => {
  const held = (position: number, value: number) =>
    result(position, { measures: [{ metric: 'reliability.exact', version: 1, value, before: null, count: 1 }] });
  const results = Array.from({ length: 30 }, (_, position) => held(position, position < 10 ? 0 : 1));
  const page = versionPage(report({ allEdits: true, results }));
  expect(page).toContain('20 of 30 edits hold');
  expect(page).toContain('aria-label="Edits that hold, by when they were made against edits, the earliest first"');
  expect(page.match(/<circle class="point"/g)).toHaveLength(6);
  expect(page).toMatch(/hold, 3: 0%[\s\S]*hold, 28: 100%/);
  expect(versionPage(report({ results }))).not.toContain('edits hold');
});
