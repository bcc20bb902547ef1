// Rules of a gate as one word: METRIC[@parent|@base][/each]>=NUMBER or <=NUMBER.

import { type Canary, ErrataError, type GateRule, gateRuleSchema } from '@errata/contracts';
import { InvalidArgumentError } from 'commander';

const refuse = (message: string) => new InvalidArgumentError(message);
const shape = /^([a-z_.]+)(?:@(parent|base|absolute))?(\/each)?(?:(>=|<=)(.+))?$/;

/** A rule without its bounds. */
type Subject = Pick<GateRule, 'metric' | 'against' | 'each'>;

/** @throws InvalidArgumentError saying what is wrong with which part */
export function parseRule(text: string): GateRule {
  const [, metric, against, each, sign, bound] = shape.exec(text.trim()) ?? [];
  if (sign === undefined)
    throw refuse(`${JSON.stringify(text)} is no rule: write, for example, locality@base>=0.9 or reliability/each>=0.5`);
  const value = Number(bound);
  if (bound?.trim() === '' || Number.isNaN(value)) throw refuse(`${JSON.stringify(bound)} in ${text} is not a number`);
  const rule = {
    metric,
    ...(against === undefined ? {} : { against }),
    ...(each === undefined ? {} : { each: true }),
    ...(sign === '>=' ? { min: value } : { max: value }),
  };
  const parsed = gateRuleSchema.safeParse(rule);
  if (parsed.success) return parsed.data;
  throw refuse(`${text}: ${parsed.error.issues[0]?.message}`);
}

/** What a rule is about, in the same words. */
const describeSubject = ({ metric, against, each }: Subject): string =>
  `${metric}${against === undefined ? '' : `@${against}`}${each === true ? '/each' : ''}`;

export const describeRule = (rule: GateRule): string =>
  [
    ...(rule.min === undefined ? [] : [`${describeSubject(rule)}>=${rule.min}`]),
    ...(rule.max === undefined ? [] : [`${describeSubject(rule)}<=${rule.max}`]),
  ].join(' ');

/** Rules with others set: one about the same thing keeps the bound that is not given. */
export function setRules(rules: readonly GateRule[], given: readonly GateRule[]): GateRule[] {
  const bySubject = new Map(rules.map((rule) => [describeSubject(rule), rule]));
  for (const rule of given) {
    const subject = describeSubject(rule);
    bySubject.set(subject, { ...bySubject.get(subject), ...rule });
  }
  return [...bySubject.values()];
}

/** Rules without those about the things named. @throws ErrataError `invalid_request` where there is none */
export function dropRules(rules: readonly GateRule[], named: readonly string[]): GateRule[] {
  for (const name of named) {
    if (rules.some((rule) => describeSubject(rule) === name)) continue;
    throw new ErrataError(
      'invalid_request',
      `there is no rule on ${name}; there are ${rules.map(describeSubject).join(', ') || 'none'}`,
    );
  }
  return rules.filter((rule) => !named.includes(describeSubject(rule)));
}

/** `PROMPT` for an answer that must stay as it is, `PROMPT => ANSWER` for one that must be this. */
export function parseCanary(text: string): Canary {
  const [prompt = '', answer, ...rest] = text.split('=>').map((part) => part.trim());
  if (prompt === '' || answer === '' || rest.length > 0)
    throw refuse(`${JSON.stringify(text)} is no canary: write PROMPT or PROMPT => ANSWER`);
  return { prompt, ...(answer === undefined ? {} : { answer }) };
}
