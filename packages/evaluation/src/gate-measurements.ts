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
  looksAt,
  type MeanScore,
} from '@errata/contracts';
import type { View } from '@errata/models';
import { createAnswerCache, readCandidate, readParent } from './answers.ts';
import {
  type CandidateEvaluation,
  type EvaluationInput,
  type EvaluationOptions,
  evaluateCandidate,
  scoreAgreement,
  scoreAnswer,
} from './evaluate.ts';
import { generationEntropy } from './generation-entropy.ts';
import { firstSentence } from './metrics/exact-match.ts';
import { robustZ } from './outliers.ts';
import { type Question, questionKey } from './questions.ts';

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
  { perEdit, summary }: CandidateEvaluation,
  input: EvaluationInput,
  { policy, base, editNorms, earlierNorms = [] }: GateInput,
  options: EvaluationOptions = {},
): Promise<GateMeasurements> {
  const { candidate, parent, tokenizer } = input;
  const values: Partial<Record<GateReading, number>> = { ...ownValues(summary), ...changes(summary, 'parent') };
  const edits = perEdit.map((result) => ({
    custom_id: result.custom_id,
    values: result.outcome === 'applied' ? { ...editValues(result), ...editChanges(result, 'parent') } : {},
  }));

  const asksBase = base !== undefined && looksAt(policy, { against: 'base' });
  if (asksBase) {
    const { cache: _, ...rest } = input;
    const since = await evaluateCandidate({ ...rest, parent: base }, options);
    Object.assign(values, changes(since.summary, 'base'), comparisons(since.summary, '@base'));
    for (const [index, result] of since.perEdit.entries()) {
      const own =
        result.outcome === 'applied' ? { ...editChanges(result, 'base'), ...localities(result, '@base') } : {};
      Object.assign(edits[index]!.values, own);
    }
  }

  if (looksAt(policy, { metric: 'ngram_entropy' })) {
    const prompts = policy.sample_prompts ?? input.edits.slice(0, samplesOfBatch).map(({ prompt }) => prompt);
    const entropyOf = (view: View) => generationEntropy(view, tokenizer, prompts, options.signal);
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
  ...ownValues(summary),
  ...changes(summary, 'parent'),
});

const ownValues = (summary: EvaluationSummary): GateValues => ({
  ...levels(scoresOf(summary), 'after'),
  ...present({ perplexity: summary.perplexity?.candidate }),
  ...comparisons(summary, ''),
});

interface BeforeAfter {
  readonly before: Pick<MeanScore, 'token' | 'exact'>;
  readonly after: Pick<MeanScore, 'token' | 'exact'>;
}
type Scores = Readonly<Record<'reliability' | 'generalization' | 'portability', BeforeAfter | null>>;

const scoresOf = ({ reliability, generalization, portability_by_kind }: EvaluationSummary): Scores => ({
  reliability: reliability.after.count > 0 ? reliability : null,
  generalization,
  portability: pooled(Object.values(portability_by_kind)),
});

function levels({ reliability, generalization, portability }: Scores, when: 'before' | 'after'): GateValues {
  return present({
    reliability: reliability?.[when].token,
    reliability_exact: reliability?.[when].exact,
    generalization: generalization?.[when].token,
    generalization_exact: generalization?.[when].exact,
    portability: portability?.[when].token,
    portability_exact: portability?.[when].exact,
  });
}

/** How far the values of one version are from those of the one it was evaluated against. */
function changes(summary: EvaluationSummary, since: 'parent' | 'base'): GateValues {
  const scores = scoresOf(summary);
  const { perplexity } = summary;
  const after = { ...levels(scores, 'after'), ...present({ perplexity: perplexity?.candidate }) };
  const before = { ...levels(scores, 'before'), ...present({ perplexity: perplexity?.parent }) };
  return minus(after, before, since);
}

function comparisons(summary: EvaluationSummary, suffix: '' | '@base'): GateValues {
  const { locality, locality_by_kind: kinds, perplexity, delta_norm } = summary;
  return suffixed(
    {
      locality: locality?.token,
      locality_exact: locality?.exact,
      ...kindValues(kinds),
      delta_norm: delta_norm ?? undefined,
      perplexity_ratio: perplexity === null ? undefined : perplexity.candidate / perplexity.parent,
    },
    suffix,
  );
}

const kindValues = (kinds: Readonly<Record<string, Pick<MeanScore, 'token'>>>) => ({
  locality_neighbourhood: kinds.neighbourhood?.token,
  locality_other_relations: kinds.other_relations?.token,
  locality_distracting: kinds.distracting?.token,
  locality_other_tasks: kinds.other_tasks?.token,
});

const scoresOfEdit = ({ reliability, generalization, portability }: EditResult): Scores => ({
  reliability,
  generalization,
  portability: pooled(Object.values(portability)),
});

const editValues = (result: EditResult): GateValues => ({
  ...levels(scoresOfEdit(result), 'after'),
  ...localities(result, ''),
});

const editChanges = (result: EditResult, since: 'parent' | 'base'): GateValues =>
  minus(levels(scoresOfEdit(result), 'after'), levels(scoresOfEdit(result), 'before'), since);

function localities({ locality }: EditResult, suffix: '' | '@base'): GateValues {
  const all = meanOf(Object.values(locality));
  return suffixed({ locality: all?.token, locality_exact: all?.exact, ...kindValues(locality) }, suffix);
}

/** Means over all probes, whatever their kind. */
function pooled(kinds: readonly { readonly before: MeanScore; readonly after: MeanScore }[]): BeforeAfter | null {
  const [before, after] = [meanOf(kinds.map((kind) => kind.before)), meanOf(kinds.map((kind) => kind.after))];
  return before === null || after === null ? null : { before, after };
}

function meanOf(scores: readonly MeanScore[]): Pick<MeanScore, 'token' | 'exact'> | null {
  const count = scores.reduce((sum, score) => sum + score.count, 0);
  if (count === 0) return null;
  const mean = (key: 'token' | 'exact') => scores.reduce((sum, score) => sum + score[key] * score.count, 0) / count;
  return { token: mean('token'), exact: mean('exact') };
}

type Loose = Partial<Record<GateMetric, number | undefined>>;

const present = (values: Loose): GateValues =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

const suffixed = (values: Loose, suffix: '' | '@base'): GateValues =>
  Object.fromEntries(Object.entries(present(values)).map(([name, value]) => [`${name}${suffix}`, value]));

const minus = (after: GateValues, before: GateValues, since: 'parent' | 'base'): GateValues =>
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
