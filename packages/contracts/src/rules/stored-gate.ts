// Gates as they are stored. Another build may have written one: what this build does not understand of it is named, and fails.
import type { z } from 'zod';
import {
  type GatePolicy,
  gatePolicySchema,
  gateRuleSchema,
  type notUnderstoodSchema,
  type StoredGate,
} from '../wire/gate.ts';

const longestQuote = 200;

/** Reads a stored gate. Whatever it is, this does not throw: no candidate passes a gate of which a part is not understood. */
export function readGate(stored: unknown): StoredGate {
  const whole = gatePolicySchema.safeParse(stored);
  if (whole.success) return whole.data;
  const not_understood: z.output<typeof notUnderstoodSchema>[] = [];
  const note = (name: string, value: unknown, why: string) => {
    const text = JSON.stringify(value) ?? String(value);
    const quote = text.length > longestQuote ? `${text.slice(0, longestQuote)}...` : text;
    not_understood.push({ name, why: `${quote}: ${why}` });
  };
  const whyNot = ({ issues }: z.ZodError) =>
    issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('; ');
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) {
    note('gate', stored, 'this is no gate');
    return { rules: [], not_understood };
  }
  const gate: GatePolicy = { rules: [] };
  for (const [field, value] of Object.entries(stored)) {
    if (field === 'rules' && Array.isArray(value)) {
      for (const rule of value) {
        const read = gateRuleSchema.safeParse(rule);
        if (read.success) gate.rules.push(read.data);
        else note(nameOf(rule), rule, whyNot(read.error));
      }
      continue;
    }
    const read = gatePolicySchema.partial().safeParse({ [field]: value });
    if (read.success) Object.assign(gate, read.data);
    else note(field, value, whyNot(read.error));
  }
  if (!('rules' in stored)) note('rules', stored, 'there are none');
  if (not_understood.length > 0) return { ...gate, not_understood };
  // A rule too many, or the like: nothing that one part shows.
  note('gate', stored, whyNot(whole.error));
  return { rules: [], not_understood };
}

const nameOf = (rule: unknown): string =>
  typeof rule === 'object' && rule !== null && 'metric' in rule && typeof rule.metric === 'string'
    ? rule.metric
    : 'rule';
