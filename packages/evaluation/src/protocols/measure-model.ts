// What is said of a version as a whole, along the way: perplexity of a held text, general ability, questions that no edit is about.
import { type EvaluationResults, type EvaluationRow, mergeResults } from '@errata/contracts';
import type { View } from '@errata/models';
import type { AbilityResult } from '../ability/measure.ts';
import { abilityResults } from '../ability/results.ts';
import type { AbilitySuite } from '../ability/suite.ts';
import { heldTokens, perplexityOf } from '../asking/perplexity.ts';
import { rowOf } from '../cases/measurements.ts';
import { mean } from '../metrics/means.ts';
import { probeResults } from '../probes/measure-probes.ts';
import { measureSuite } from '../probes/suite.ts';
import type { Place } from './measure-cases.ts';
import type { Meter, Work } from './work.ts';

const perplexityTokens = 2048;
const ofBase = new WeakMap<View, Map<AbilitySuite, AbilityResult>>();

/** Rows of a version as a whole; those of the base stand beside them as `before`. */
export function measureModel(work: Work, view: View, place: Place, meter: Meter): Promise<EvaluationResults> {
  return meter.time('answer_seconds', async () => {
    const parts: EvaluationResults[] = [{ cases: [], rows: await perplexityRows(work, view, place) }];
    for (const suite of work.input.ability ?? []) parts.push(await abilityRows(work, suite, view, place));
    parts.push(await questionRows(work, view, place, meter));
    return mergeResults(parts);
  });
}

/**
 * What is known of one of many versions, each measured by the same items: a row a metric, the mean over the items. The case is then
 * the version, so that intervals say how far one is from another.
 */
export function ofOneVersion({ cases, rows }: EvaluationResults, version: string): EvaluationResults {
  const byMetric = new Map<string, EvaluationRow[]>();
  for (const row of rows) byMetric.set(row.metric, [...(byMetric.get(row.metric) ?? []), row]);
  return {
    cases: cases.map((each) => ({ ...each, case_id: `${version}, ${each.case_id}` })),
    rows: [...byMetric.values()].map((group) => {
      const before = group.flatMap((row) => (row.before === null ? [] : [row.before]));
      return {
        ...group[0]!,
        case_id: version,
        value: mean(group.map(({ value }) => value)),
        before: before.length === group.length ? mean(before) : null,
        count: group.reduce((sum, { count }) => sum + count, 0),
      };
    }),
  };
}

async function perplexityRows({ input, base }: Work, view: View, place: Place): Promise<readonly EvaluationRow[]> {
  const { heldText, tokenizer } = input;
  const held = heldText === undefined ? [] : heldTokens(tokenizer, heldText, perplexityTokens);
  if (held.length < 2) return [];
  const [value, before] = [await perplexityOf(view, held), await perplexityOf(base, held)];
  return [rowOf({ metric: 'perplexity', value, before, count: 1 }, { ...place, case_id: 'held text' })];
}

async function questionRows(
  { input, base, baseAnswers }: Work,
  view: View,
  place: Place,
  meter: Meter,
): Promise<EvaluationResults> {
  const { questions = [], tokenizer } = input;
  const asked = { parent: base, candidate: view, tokenizer, items: questions, cache: baseAnswers };
  return probeResults('question', await measureSuite(asked, meter.asking), place);
}

async function abilityRows(
  { input, base, signal }: Work,
  suite: AbilitySuite,
  view: View,
  place: Place,
): Promise<EvaluationResults> {
  const known = ofBase.get(base) ?? new Map<AbilitySuite, AbilityResult>();
  ofBase.set(base, known);
  const measure = (of: View) => suite.measure(of, input.tokenizer, signal ? { signal } : {});
  const before = known.get(suite) ?? (await measure(base));
  known.set(suite, before);
  const after = view === base ? before : await measure(view);
  const { cases, rows } = abilityResults(after, place, before);
  // Thousands of answers at every checkpoint would drown those that the edits are about; those not given are told.
  return { rows, cases: cases.filter(({ outcome }) => outcome === 'failed') };
}
