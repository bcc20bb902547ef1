// What a finished job still says of its candidate, under the names that rules go by: for asking what another gate would have made of it.
import { type GateMetric, gateUse } from '../metrics/catalogue.ts';
import { readings } from '../metrics/definition.ts';
import { type GateFinding, type GatePolicy, type GateVerdict, isWorkMetric } from '../wire/gate.ts';
import { type EditResult, type EvaluationSummary, type Score, wasMeasured } from '../wire/results.ts';
import {
  type CountedFigure,
  type Figure,
  figuresOfVersions,
  type GateReading,
  type GateValues,
  gateValues,
  pooledFigures,
} from './figures.ts';
import { type GateMeasurements, readingOf, rulesOf } from './judge-gate.ts';

export interface Remembered {
  readonly summary: EvaluationSummary;
  /** By which it was judged then. */
  readonly gate: GateVerdict;
  /** Of its edits; none where nobody asks for each by itself. */
  readonly results: readonly EditResult[];
}

type Counted = Score & { readonly count: number };

const inReadings = (stem: string, after: Counted, before: Score | null): readonly CountedFigure[] =>
  readings.map((reading) => ({
    metric: `${stem}.${reading}`,
    value: after[reading],
    before: before?.[reading] ?? null,
    count: after.count,
  }));

interface Scores {
  readonly reliability: { readonly before: Score; readonly after: Counted };
  readonly generalization: EvaluationSummary['generalization'];
  readonly locality: EvaluationSummary['locality_by_kind'];
  readonly portability: EvaluationSummary['portability_by_kind'];
}

/** Figures of a batch or of one edit: kinds by themselves, and all of them together. */
function figuresOfScores({ reliability, generalization, locality, portability }: Scores): readonly Figure[] {
  const places = Object.entries(locality);
  const wheres = Object.entries(portability);
  return pooledFigures([
    ...inReadings('reliability', reliability.after, reliability.before),
    ...(generalization === null ? [] : inReadings('generalization', generalization.after, generalization.before)),
    ...places.flatMap(([kind, after]) => [
      ...inReadings('locality', after, null),
      ...inReadings(`locality.${kind}`, after, null),
    ]),
    ...wheres.flatMap(([kind, { before, after }]) => [
      ...inReadings('portability', after, before),
      ...inReadings(`portability.${kind}`, after, before),
    ]),
  ]);
}

const withParent = { parent: true, base: false };

/** What a finding is of; null where another build found something that this one does not know. */
const readingOfFinding = ({ metric, against }: GateFinding): GateReading | null =>
  gateUse(metric) === undefined ? null : readingOf({ metric: metric as GateMetric, against });

/** What was found of rules then: readings of other versions, of generated text, of norms, which nothing else has kept. */
function valuesOfFindings(findings: readonly GateFinding[]): GateValues {
  const values: Partial<Record<GateReading, number>> = {};
  for (const finding of findings) {
    const reading = readingOfFinding(finding);
    const ofOne = finding.each === true && !isWorkMetric(finding.metric);
    if (reading !== null && finding.value !== null && !ofOne) values[reading] = finding.value;
  }
  return values;
}

/** Of canaries, those that were asked about then and mean the same today. Undefined where one was not. */
function canariesKept({ canaries = [] }: GatePolicy, then: GateVerdict) {
  const found = canaries.map(({ prompt, answer }) =>
    then.canaries?.find((asked) => asked.prompt === prompt && (answer === undefined || answer === asked.expected)),
  );
  return found.length > 0 && found.every((each) => each !== undefined) ? found : undefined;
}

/** What a policy can look at again. What was not measured then is absent. */
export function rememberedMeasurements(policy: GatePolicy, { summary, gate, results }: Remembered): GateMeasurements {
  const { canaries_kept: _, ...then } = valuesOfFindings(gate.findings);
  const canaries = canariesKept(policy, gate);
  const unchanged = canaries?.filter(({ kept }) => kept).length ?? 0;
  const whole = figuresOfScores({
    ...summary,
    locality: summary.locality_by_kind,
    portability: summary.portability_by_kind,
  });
  return {
    values: {
      ...then,
      ...gateValues([...whole, ...figuresOfVersions(summary)], withParent),
      ...(canaries === undefined ? {} : { canaries_kept: unchanged / canaries.length }),
    },
    edits: results
      .filter((result) => wasMeasured(result) && result.outcome !== 'refused')
      .map((result) => ({ custom_id: result.custom_id, values: gateValues(figuresOfEdit(result), withParent) })),
    ...(canaries === undefined ? {} : { canaries }),
  };
}

const figuresOfEdit = ({ reliability: { before, after }, delta_norm, ...scores }: EditResult): readonly Figure[] => [
  ...figuresOfScores({ ...scores, reliability: { before, after: { ...after, count: 1 } } }),
  ...(delta_norm == null ? [] : [{ metric: 'edit_norm', value: delta_norm, before: null }]),
];

/** Whether a policy looks at edits by themselves. */
export const looksAtEach = (policy: GatePolicy): boolean =>
  rulesOf(policy).some(({ metric, each }) => each === true || isWorkMetric(metric));

/** What of a candidate's own probes is kept with its job: where there is none of it, there were no such probes. */
const ofProbes = /^(reliability|generalization|locality|portability)\b/;

/** Rules that nothing of what was measured then answers, as opposed to those that did not apply then either. */
export function unansweredRules({ findings }: GateVerdict, then: GateVerdict): readonly GateFinding[] {
  return findings.filter((rule) => {
    if (rule.outcome !== 'not_applicable') return false;
    if (ofProbes.test(rule.metric) && rule.against !== 'base') return false;
    return (
      then.findings.find((other) => readingOfFinding(other) === readingOfFinding(rule))?.outcome !== 'not_applicable'
    );
  });
}
