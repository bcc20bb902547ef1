// Judging: what was measured on a candidate held against a gate, with reasons for people.
import type { z } from 'zod';
import { type GateMetric, weighsRivals } from '../metrics/catalogue.ts';
import {
  type CanaryResult,
  type GateFinding,
  type GatePolicy,
  type GateReference,
  type GateRule,
  type GateVerdict,
  isLevelMetric,
  isWorkMetric,
  type notUnderstoodSchema,
} from '../wire/gate.ts';
import type { GateReading, GateValues } from './figures.ts';

/** A gate as it is judged by: as it was checked, or as it was stored by whichever build. */
export type JudgedPolicy = GatePolicy & {
  readonly not_understood?: readonly z.output<typeof notUnderstoodSchema>[] | undefined;
};

/** What was measured on a candidate. What was not is absent. */
export interface GateMeasurements {
  readonly values: GateValues;
  /** Each edit by its own probes. */
  readonly edits?: readonly { readonly custom_id: string; readonly values: GateValues }[];
  readonly canaries?: readonly CanaryResult[];
}

/** The reading that a rule bounds. */
export function readingOf({ metric, against }: Pick<GateRule, 'metric' | 'against'>): GateReading {
  const usual = isLevelMetric(metric) ? 'absolute' : 'parent';
  return against === undefined || against === 'absolute' || against === usual ? metric : `${metric}@${against}`;
}

/** The rules of a policy, with the one that canaries imply. */
export function rulesOf({ rules, canaries = [] }: GatePolicy): readonly GateRule[] {
  const implied = canaries.length > 0 && rules.every(({ metric }) => metric !== 'canaries_kept');
  return implied ? [...rules, { metric: 'canaries_kept', min: 1 }] : rules;
}

/** Whether a policy looks at answers held against their rivals, which are asked about only on demand. */
export const looksAtRivals = (policy: GatePolicy): boolean => policy.rules.some(({ metric }) => weighsRivals(metric));

/** Whether a policy looks at a metric, or at anything held against a version. */
export const looksAt = (policy: GatePolicy, what: { metric?: GateMetric; against?: GateReference }): boolean =>
  rulesOf(policy).some(
    ({ metric, against }) =>
      (what.metric === undefined || metric === what.metric) && (what.against === undefined || against === what.against),
  );

/**
 * Judges what was measured by a policy. A value that is not finite fails every rule on it, and what of a stored policy is not
 * understood fails.
 */
export function judge(policy: JudgedPolicy, { values, edits = [], canaries }: GateMeasurements): GateVerdict {
  const unjudged = (policy.not_understood ?? []).map(
    ({ name, why }): GateFinding => ({ metric: name, value: null, outcome: 'failed', reason: why }),
  );
  const judged = rulesOf(policy).map((rule): GateFinding => {
    const reading = readingOf(rule);
    const { each, ...bounds } = rule;
    const perEdit = each === true || isWorkMetric(rule.metric);
    const own = edits.flatMap((edit) => {
      const value = edit.values[reading];
      return value === undefined ? [] : [{ custom_id: edit.custom_id, value }];
    });
    if (!perEdit || own.length === 0) {
      const value = each === true ? undefined : values[reading];
      const finding = { ...bounds, ...(each === undefined ? {} : { each }) };
      if (value === undefined) return { ...finding, value: null, outcome: 'not_applicable' };
      return { ...finding, value: finite(value), outcome: within(rule, value) ? 'passed' : 'failed' };
    }
    const worst = own.reduce((a, b) => (excess(rule, b.value) > excess(rule, a.value) ? b : a));
    const failing = own.filter(({ value }) => !within(rule, value)).map(({ custom_id }) => custom_id);
    return {
      ...bounds,
      each: true,
      value: finite(worst.value),
      outcome: failing.length > 0 ? 'failed' : 'passed',
      ...(failing.length > 0 ? { custom_ids: failing } : {}),
    };
  });
  const findings = [...unjudged, ...judged];
  const passed = findings.every(({ outcome }) => outcome !== 'failed');
  return { passed, findings, ...(canaries === undefined ? {} : { canaries: [...canaries] }) };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

const within = ({ min = -Infinity, max = Infinity }: GateRule, value: number): boolean =>
  Number.isFinite(value) && value >= min && value <= max;

/** How far a value is beyond a rule's bounds; below 0 where it is inside. */
const excess = ({ min = -Infinity, max = Infinity }: GateRule, value: number): number =>
  Number.isFinite(value) ? Math.max(min - value, value - max) : Infinity;

/** A finding for people: `locality against the base is 0.5123, and must be at least 0.7`. */
export function describeFinding(finding: GateFinding): string {
  const { metric, against, each, min, max, value, reason, custom_ids = [] } = finding;
  if (reason !== undefined) return `${metric} cannot be judged: ${reason}`;
  const subject =
    against === undefined || against === 'absolute'
      ? metric
      : isLevelMetric(metric)
        ? `the change of ${metric} since the ${against}`
        : `${metric} against the ${against}`;
  const measured = value === null ? 'not finite' : Number(value.toPrecision(4));
  const bounds = [...(min === undefined ? [] : [`at least ${min}`]), ...(max === undefined ? [] : [`at most ${max}`])];
  const more = custom_ids.length > 5 ? ', ...' : '';
  const named = custom_ids.length === 0 ? '' : ` (${custom_ids.slice(0, 5).join(', ')}${more})`;
  return `${subject} is ${measured}${each === true ? ' at its worst' : ''}, and must be ${bounds.join(' and ')}${named}`;
}

/** Whether a verdict is a refusal for nothing but what this build could not judge. */
export const isUnjudged = ({ findings }: GateVerdict): boolean => {
  const failed = findings.filter(({ outcome }) => outcome === 'failed');
  return failed.length > 0 && failed.every(({ reason }) => reason !== undefined);
};

/** Why a verdict is a refusal, a sentence for each failed finding and each canary that changed its answer; none when it passed. */
export function reasonsOf({ findings, canaries = [] }: GateVerdict): readonly string[] {
  const failed = findings.filter(({ outcome }) => outcome === 'failed');
  const broken = failed.some(({ metric }) => metric === 'canaries_kept') ? canaries.filter(({ kept }) => !kept) : [];
  return [
    ...failed.map(describeFinding),
    ...broken
      .slice(0, 5)
      .map(
        ({ prompt, expected, answer }) =>
          `${JSON.stringify(prompt)} is answered ${JSON.stringify(answer)}, and must stay ${JSON.stringify(expected)}`,
      ),
  ];
}
