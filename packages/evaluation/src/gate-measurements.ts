// What a gate is given: an evaluation's numbers under the gate's names, and what else its policy looks at, measured.
import {
  type CanaryResult,
  type EditResult,
  type EvaluationSummary,
  type GateMeasurements,
  type GateMetric,
  type GatePolicy,
  type GateReading,
  type GateValues,
  gateMetrics,
  looksAt,
  type MeanScore,
  wasMeasured,
} from '@errata/contracts';
import { encodePrompt, type View } from '@errata/models';
import { createAnswerCache, readCandidate, readParent } from './asking/answers.ts';
import { type Question, questionKey } from './asking/questions.ts';
import { writeTexts } from './asking/written-texts.ts';
import {
  type CandidateEvaluation,
  type EvaluationInput,
  evaluateCandidate,
  scoreAgreement,
  scoreAnswer,
} from './cases/evaluate-candidate.ts';
import type { Measurement } from './cases/measurements.ts';
import { textEntropy } from './metrics/entropy.ts';
import { firstSentence } from './metrics/exact-match.ts';
import { mean } from './metrics/means.ts';
import type { EvaluationOptions } from './options.ts';
import { robustZ } from './statistics/outliers.ts';

export interface GateInput {
  readonly policy: GatePolicy;
  /** The version that the branch began at. Without it, rules against the base do not apply. */
  readonly base?: View;
  /** Norm of each edit's share of its delta over that of the matrix, in the order of the edits; null where it has none. */
  readonly editNorms?: readonly (number | null)[];
  /** The norms of the branch's earlier edits. */
  readonly earlierNorms?: readonly number[];
}

/**
 * Everything a policy looks at. The evaluation against the parent is there already; another one against the base is made when a
 * rule asks for it, and so are canaries and generated text.
 */
export async function measureForGate(
  { perEdit, summary, measurements }: Pick<CandidateEvaluation, 'perEdit' | 'summary' | 'measurements'>,
  input: EvaluationInput,
  { policy, base, editNorms, earlierNorms = [] }: GateInput,
  options: EvaluationOptions = {},
): Promise<GateMeasurements> {
  const { candidate, parent, tokenizer } = input;
  const values: Partial<Record<GateReading, number>> = { ...gateValues(summary), ...named(measurements, 'parent') };
  const edits = perEdit.map((result, index) => ({
    custom_id: result.custom_id,
    values: wasMeasured(result) ? editValues(result, measurements[index]!, 'parent') : {},
  }));

  const asksBase = base !== undefined && looksAt(policy, { against: 'base' });
  if (asksBase) {
    const { cache: _, ...rest } = input;
    const since = await evaluateCandidate({ ...rest, parent: base }, options);
    const whole = { ...changes(since.summary, 'base'), ...comparisons(since.summary, '@base') };
    Object.assign(values, whole, named(since.measurements, 'base'));
    for (const [index, result] of since.perEdit.entries())
      if (wasMeasured(result))
        Object.assign(edits[index]!.values, editValues(result, since.measurements[index]!, 'base'));
  }

  if (looksAt(policy, { metric: 'ngram_entropy' })) {
    const own = input.edits.filter((_, index) => wasMeasured(perEdit[index]!));
    const asked = policy.sample_prompts ?? own.slice(0, samplesOfBatch).map(({ prompt }) => prompt);
    const prompts = asked.filter((prompt) => encodePrompt(tokenizer, prompt).length < candidate.spec.context);
    const entropyOf = async (view: View) => {
      const [texts] = await writeTexts({ view, tokenizer }, [prompts], options);
      return prompts.length === 0 ? undefined : mean(texts!.map(textEntropy));
    };
    const now = await entropyOf(candidate);
    assign(values, 'ngram_entropy', now);
    if (looksAt(policy, { metric: 'ngram_entropy', against: 'parent' }))
      assign(values, 'ngram_entropy@parent', difference(now, await entropyOf(parent)));
    if (asksBase && looksAt(policy, { metric: 'ngram_entropy', against: 'base' }))
      assign(values, 'ngram_entropy@base', difference(now, await entropyOf(base)));
  }

  const canaries = (policy.canaries?.length ?? 0) > 0 ? await askCanaries(policy, input, parent, options) : undefined;
  if (canaries !== undefined) {
    values.canaries_kept = keptOf(canaries);
    if (asksBase && looksAt(policy, { metric: 'canaries_kept', against: 'base' }))
      values['canaries_kept@base'] = keptOf(await askCanaries(policy, input, base, options));
  }

  for (const [index, norm] of (editNorms ?? []).entries()) {
    const own = edits[index];
    if (own === undefined || norm === null) continue;
    const z = robustZ(norm, earlierNorms);
    Object.assign(own.values, { edit_norm: norm, ...(z === undefined ? {} : { edit_norm_z: z }) });
    values.edit_norm = Math.max(norm, values.edit_norm ?? 0);
    if (z !== undefined) values.edit_norm_z = Math.max(z, values.edit_norm_z ?? -Infinity);
  }
  return { values, edits, ...(canaries === undefined ? {} : { canaries }) };
}

/** Prompts of a batch that text is generated from. */
const samplesOfBatch = 16;

/**
 * The gate's metrics that a summary has. What was not measured is absent, so that a rule on it is reported as not applicable
 * instead of passing or failing on a made-up number.
 */
export const gateValues = (summary: EvaluationSummary): GateValues => ({
  ...levels(summary, 'after'),
  ...present({ perplexity: summary.perplexity?.candidate }),
  ...comparisons(summary, ''),
  ...changes(summary, 'parent'),
});

type Since = 'parent' | 'base';

/** The levels of a version: those that evaluations measure before and after. */
function levels({ reliability, generalization }: EvaluationSummary | EditResult, when: 'before' | 'after'): GateValues {
  const asked = 'count' in reliability.after && reliability.after.count === 0 ? undefined : reliability;
  return present({
    reliability: asked?.[when].token,
    reliability_exact: asked?.[when].exact,
    generalization: generalization?.[when].token,
    generalization_exact: generalization?.[when].exact,
  });
}

/** How far the values of one version are from those of the one it was evaluated against. */
function changes(summary: EvaluationSummary, since: Since): GateValues {
  const { perplexity } = summary;
  const after = { ...levels(summary, 'after'), ...present({ perplexity: perplexity?.candidate }) };
  const before = { ...levels(summary, 'before'), ...present({ perplexity: perplexity?.parent }) };
  return minus(after, before, since);
}

function comparisons(summary: EvaluationSummary, suffix: '' | '@base'): GateValues {
  const { locality, locality_by_kind: kinds, perplexity, delta_norm } = summary;
  return suffixed(
    {
      ...localities(locality, kinds),
      delta_norm: delta_norm ?? undefined,
      perplexity_ratio: perplexity === null ? undefined : perplexity.candidate / perplexity.parent,
    },
    suffix,
  );
}

type Tokens = Pick<MeanScore, 'token' | 'count'>;

const localities = (all: Pick<Tokens, 'token'> | null, kinds: Readonly<Record<string, Tokens>>) => ({
  locality: all?.token,
  locality_neighbourhood: kinds.neighbourhood?.token,
  locality_other_relations: kinds.other_relations?.token,
});

/** One edit held against a version that it was measured against: its own values under the names of the whole. */
function editValues(result: EditResult, measurements: readonly Measurement[], against: Since): GateValues {
  const suffix = against === 'base' ? '@base' : '';
  const { locality } = result;
  return {
    ...(against === 'parent' ? levels(result, 'after') : {}),
    ...minus(levels(result, 'after'), levels(result, 'before'), against),
    ...suffixed(localities(meanOf(Object.values(locality)), locality), suffix),
    ...named([measurements], against),
  };
}

function meanOf(scores: readonly Tokens[]): { readonly token: number } | null {
  const count = scores.reduce((sum, score) => sum + score.count, 0);
  return count === 0 ? null : { token: scores.reduce((sum, score) => sum + score.token * score.count, 0) / count };
}

/** The metrics of the catalogue, pooled over the probes of all edits. */
function named(perEdit: readonly (readonly Measurement[])[], against: Since): GateValues {
  const byMetric = new Map<string, Measurement[]>();
  for (const measurement of perEdit.flat())
    byMetric.set(measurement.metric, [...(byMetric.get(measurement.metric) ?? []), measurement]);
  const values: Partial<Record<GateReading, number>> = {};
  for (const metric of gateMetrics) {
    const group = byMetric.get(metric);
    if (group === undefined) continue;
    const after = pooled(group, ({ value }) => value);
    const isLevel = group.every(({ before }) => before !== null);
    if (isLevel) values[`${metric}@${against}`] = after - pooled(group, ({ before }) => before!);
    if (against === 'parent') values[metric] = after;
    else if (!isLevel) values[`${metric}@base`] = after;
  }
  return values;
}

function pooled(group: readonly Measurement[], of: (measurement: Measurement) => number): number {
  const count = group.reduce((sum, measurement) => sum + measurement.count, 0);
  return group.reduce((sum, measurement) => sum + of(measurement) * measurement.count, 0) / count;
}

type Loose = Partial<Record<GateMetric, number | undefined>>;

const present = (values: Loose): GateValues =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

const suffixed = (values: Loose, suffix: '' | '@base'): GateValues =>
  Object.fromEntries(Object.entries(present(values)).map(([name, value]) => [`${name}${suffix}`, value]));

const minus = (after: GateValues, before: GateValues, since: Since): GateValues =>
  Object.fromEntries(
    (Object.keys(after) as GateMetric[]).flatMap((name) => {
      const change = difference(after[name], before[name]);
      return change === undefined ? [] : [[`${name}@${since}`, change]];
    }),
  );

const difference = (after: number | undefined, before: number | undefined): number | undefined =>
  after === undefined || before === undefined ? undefined : after - before;

function assign(values: Partial<Record<GateReading, number>>, reading: GateReading, value: number | undefined): void {
  if (value !== undefined) values[reading] = value;
}

const keptOf = (canaries: readonly CanaryResult[]): number =>
  canaries.filter(({ kept }) => kept).length / canaries.length;

/** Whether each canary is answered as it says or, where it says nothing, as `other` answers it. */
async function askCanaries(
  { canaries = [] }: GatePolicy,
  { candidate, tokenizer, parent, cache }: EvaluationInput,
  other: View,
  options: EvaluationOptions,
): Promise<readonly CanaryResult[]> {
  const questions = canaries.map(
    ({ prompt, answer, aliases = [] }): Question => ({
      about: answer === undefined ? 'agreement' : 'answer',
      prompt,
      target: answer,
      accepted: answer === undefined ? [] : [answer, ...aliases],
    }),
  );
  const before = await readParent({ view: other, tokenizer }, questions, {
    ...options,
    cache: (other === parent ? cache : undefined) ?? createAnswerCache(),
  });
  const after = await readCandidate({ view: candidate, tokenizer }, questions, before, options);
  return questions.map((question): CanaryResult => {
    const key = questionKey(question);
    const [theirs, mine] = [before.get(key)!, after.get(key)!];
    const kept = question.target === undefined ? scoreAgreement(theirs, mine).exact : scoreAnswer(question, mine).exact;
    return {
      prompt: question.prompt,
      expected: question.target ?? firstSentence(theirs.text),
      answer: firstSentence(mine.text),
      kept: kept === 1,
    };
  });
}
