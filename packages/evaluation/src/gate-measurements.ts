// What a gate is given: an evaluation's numbers under the gate's names, and what else its policy looks at, measured.
import {
  type CanaryResult,
  type Figure,
  figuresOfVersions,
  type GateMeasurements,
  type GatePolicy,
  type GateValues,
  gateValues,
  looksAt,
  pooledFigures,
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
  evaluation: Pick<CandidateEvaluation, 'perEdit' | 'summary' | 'measurements'>,
  input: EvaluationInput,
  { policy, base, editNorms = [], earlierNorms = [] }: GateInput,
  options: EvaluationOptions = {},
): Promise<GateMeasurements> {
  const { perEdit } = evaluation;
  const { candidate, parent, tokenizer } = input;
  const whole: Found = { parent: [...figuresOf(evaluation)], base: [] };
  const edits = evaluation.measurements.map((own): Found => ({ parent: [...own], base: [] }));

  const asksBase = base !== undefined && looksAt(policy, { against: 'base' });
  if (asksBase) {
    const { cache: _, ...rest } = input;
    const since = await evaluateCandidate({ ...rest, parent: base }, options);
    whole.base.push(...figuresOf(since));
    for (const [index, own] of edits.entries()) own.base.push(...since.measurements[index]!);
  }

  if (looksAt(policy, { metric: 'ngram_entropy' })) {
    const own = input.edits.filter((_, index) => wasMeasured(perEdit[index]!));
    const asked = policy.sample_prompts ?? own.slice(0, samplesOfBatch).map(({ prompt }) => prompt);
    const prompts = asked.filter((prompt) => encodePrompt(tokenizer, prompt).length < candidate.spec.context);
    const entropyOf = async (view: View) => {
      const [texts] = await writeTexts({ view, tokenizer }, [prompts], options);
      return mean(texts!.map(textEntropy));
    };
    if (prompts.length > 0) {
      const figure = { metric: 'ngram_entropy', value: await entropyOf(candidate) };
      const before = async (against: 'parent' | 'base', view: View) =>
        looksAt(policy, { metric: 'ngram_entropy', against }) ? entropyOf(view) : null;
      whole.parent.push({ ...figure, before: await before('parent', parent) });
      if (asksBase) whole.base.push({ ...figure, before: await before('base', base) });
    }
  }

  const canaries = (policy.canaries?.length ?? 0) > 0 ? await askCanaries(policy, input, parent, options) : undefined;
  if (canaries !== undefined) {
    whole.parent.push(keptOf(canaries));
    if (asksBase && looksAt(policy, { metric: 'canaries_kept', against: 'base' }))
      whole.base.push(keptOf(await askCanaries(policy, input, base, options)));
  }

  const norms = edits.flatMap((own, index) => {
    const norm = editNorms[index] ?? null;
    const found = norm === null ? [] : normFigures(norm, robustZ(norm, earlierNorms));
    own.parent.push(...found);
    return found;
  });
  whole.parent.push(...largestOf(norms));

  return {
    values: valuesOf(whole),
    edits: edits.map((own, index) => ({ custom_id: perEdit[index]!.custom_id, values: valuesOf(own) })),
    ...(canaries === undefined ? {} : { canaries }),
  };
}

/** Prompts of a batch that text is generated from. */
const samplesOfBatch = 16;

/** Figures by the version that they compare the candidate with. */
type Found = Readonly<Record<'parent' | 'base', Figure[]>>;

/** What the candidate has by itself is the parent's evaluation to say. */
const valuesOf = ({ parent, base }: Found): GateValues => ({
  ...gateValues(base, { parent: false, base: true }),
  ...gateValues(parent, { parent: true, base: false }),
});

/** Of all edits together, and of the versions. */
const figuresOf = ({
  summary,
  measurements,
}: Pick<CandidateEvaluation, 'summary' | 'measurements'>): readonly Figure[] => [
  ...pooledFigures(measurements.flat()),
  ...figuresOfVersions(summary),
];

const normFigures = (norm: number, z: number | undefined): readonly Figure[] => [
  { metric: 'edit_norm', value: norm, before: null },
  ...(z === undefined ? [] : [{ metric: 'edit_norm_z', value: z, before: null }]),
];

/** The largest figure of each metric. */
function largestOf(figures: readonly Figure[]): readonly Figure[] {
  const largest = new Map<string, Figure>();
  for (const figure of figures)
    if (figure.value > (largest.get(figure.metric)?.value ?? -Infinity)) largest.set(figure.metric, figure);
  return [...largest.values()];
}

const keptOf = (canaries: readonly CanaryResult[]): Figure => ({
  metric: 'canaries_kept',
  value: canaries.filter(({ kept }) => kept).length / canaries.length,
  before: null,
});

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
