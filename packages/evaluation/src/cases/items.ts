// Items of a suite put to two versions: general ability, chains of facts, ripple effects, texts, and the perplexity of a text.
import {
  type AbilityItem,
  type AbilityTaskId,
  type CaseResult,
  failedCase,
  type PlacedCase,
  type SuiteCase,
  taskOf,
} from '@errata/contracts';
import type { AbilityRow } from '../ability/measure.ts';
import { whySkipped } from '../ability/results.ts';
import { abilitySuite } from '../ability/suite.ts';
import { defaultPerplexityTokens, heldTokens, perplexityOf } from '../asking/perplexity.ts';
import { fitTfidf } from '../metrics/tfidf.ts';
import type { EvaluationOptions } from '../options.ts';
import { measureMultiHop } from '../probes/multi-hop.ts';
import type { CaseMeasurements } from '../probes/probing.ts';
import { measureRipples } from '../probes/ripples.ts';
import { measureTexts } from '../probes/texts.ts';
import type { Measurement } from './measurements.ts';
import { type CasesInput, measured, noAnswers, ofKinds } from './results.ts';

type Ask = (input: CasesInput, options: EvaluationOptions) => Promise<readonly CaseResult[]>;

interface AskedItem {
  readonly placed: PlacedCase;
  readonly item: AbilityItem;
}

/** Items of general ability, each by its task. */
export const askAbility: Ask = async ({ against, version, tokenizer, cases }, { signal }) => {
  const byTask = new Map<AbilityTaskId, AskedItem[]>();
  for (const each of ofKinds(cases, ['multiple_choice', 'entailment', 'reading'])) {
    const task = taskOf(each.item);
    byTask.set(task, [...(byTask.get(task) ?? []), each]);
  }
  const results: CaseResult[] = [];
  for (const [task, asked] of byTask) {
    const suite = abilitySuite(
      task,
      asked.map(({ item }) => item),
    );
    const options = signal ? { signal } : {};
    const before = await suite.measure(against, tokenizer, options);
    const after = version === against ? before : await suite.measure(version, tokenizer, options);
    const [was, is] = [byId(before.rows), byId(after.rows)];
    const skipped = byId(after.skipped);
    for (const { placed, item } of asked) {
      const [old, now] = [was.get(item.id), is.get(item.id)];
      // What fits the model's context, and what its tokenizer can lay out, is the same for both.
      if (old === undefined || now === undefined) results.push(failedCase(placed, whySkipped(skipped.get(item.id)!)));
      else results.push(choiceResult(placed, task, old, now));
    }
  }
  return results;
};

const byId = <T extends { readonly id: string }>(list: readonly T[]): ReadonlyMap<string, T> =>
  new Map(list.map((each) => [each.id, each]));

function choiceResult(placed: PlacedCase, task: AbilityTaskId, old: AbilityRow, now: AbilityRow): CaseResult {
  const before: Readonly<Record<string, number | undefined>> = old.scores;
  const measurements = Object.entries(now.scores).map(([score, value]): Measurement => {
    return { metric: `ability.${task}.${score}`, value, before: before[score] ?? null, count: 1 };
  });
  const { prompt, wanted } = now;
  // A task's first score is the one to quote.
  const [quoted] = measurements;
  const broken = { metric: `ability.${task}`, prompt, target: wanted, before: old.said, after: now.said };
  const regressions = quoted !== undefined && quoted.value < (quoted.before ?? 0) ? [broken] : [];
  const answers = { answer_before: old.said, answer_after: now.said };
  return { ...measured(placed, answers, measurements, regressions), target: wanted };
}

export const askMultiHop: Ask = async ({ against, version, tokenizer, cases }, options) => {
  const asked = ofKinds(cases, ['multi_hop']);
  const chains = asked.map(({ item }) => ({ id: item.id, edits: item.edits, multiHop: item }));
  return resultsOf(
    asked,
    await measureMultiHop({ parent: against, candidate: version, tokenizer, cases: chains }, options),
  );
};

export const askRipples: Ask = async ({ against, version, tokenizer, cases }, options) => {
  const asked = ofKinds(cases, ['ripple']);
  const tests = asked.map(({ item }) => ({ id: item.id, edits: [], ripple: item }));
  return resultsOf(
    asked,
    await measureRipples({ parent: against, candidate: version, tokenizer, cases: tests }, options),
  );
};

export const askTexts: Ask = async ({ against, version, tokenizer, cases, seed = 0, references = [] }, options) => {
  const asked = ofKinds(cases, ['text']);
  const writing = asked.map(({ item: { id, prompts, references: own } }) => {
    return { id, edits: [], generation: { prompts, attribute: [], ...(own && { references: own }) } };
  });
  const probing = { parent: against, candidate: version, tokenizer, cases: writing, seed };
  return resultsOf(asked, await measureTexts({ ...probing, tfidf: fitTfidf(references) }, options));
};

/** Perplexity of the model's own text; without one there is no figure. */
export const askHeldText: Ask = async ({ against, version, tokenizer, cases, heldText }, { signal }) => {
  const asked = ofKinds(cases, ['held_text']);
  if (asked.length === 0) return [];
  const ids = heldText === undefined ? [] : heldTokens(tokenizer, heldText, defaultPerplexityTokens);
  if (ids.length < 2) return asked.map(({ placed }) => measured(placed, noAnswers, []));
  const before = await perplexityOf(against, ids);
  signal?.throwIfAborted();
  const value = await perplexityOf(version, ids);
  return asked.map(({ placed }) => measured(placed, noAnswers, [{ metric: 'perplexity', value, before, count: 1 }]));
};

/** What was measured of items, as results of their cases. */
function resultsOf(
  asked: readonly { readonly placed: PlacedCase; readonly item: Extract<SuiteCase, { readonly id: string }> }[],
  found: readonly CaseMeasurements[],
): readonly CaseResult[] {
  const measurements = new Map(found.map((each) => [each.case_id, each]));
  return asked.map(({ placed, item }) => {
    const { error, measurements: list } = measurements.get(item.id)!;
    return error === null ? measured(placed, noAnswers, list) : failedCase(placed, error);
  });
}
