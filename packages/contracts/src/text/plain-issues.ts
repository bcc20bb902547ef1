// What a schema finds wrong, in plain words: each names the field once, what it has and what is allowed.
import type { z } from 'zod';

const quotedAtMost = 80;
const clipped = (text: string): string => (text.length > quotedAtMost ? `${text.slice(0, quotedAtMost)}…` : text);

/** A value as a message may quote it, whoever gave it: in JSON, and no longer than a line. */
export const quoted = (value: unknown): string => clipped(JSON.stringify(value) ?? String(value));

/** The name of a field, from what was checked to it; keys may be as long as whoever wrote them pleased. */
export const fieldName = (path: readonly PropertyKey[]): string => path.map((key) => clipped(String(key))).join('.');

/** @param root the value that was checked */
export function sayIssue(issue: z.core.$ZodIssue, root: unknown): string {
  const field = fieldName(issue.path);
  const name = field === '' ? 'the value' : field;
  const value = valueAt(root, issue.path);
  switch (issue.code) {
    case 'too_big':
      return `${name} ${sizeOf(value, issue.origin)}; ${sizesAllowed(issue.origin, 'at most', issue.maximum, issue.inclusive)}`;
    case 'too_small':
      if (value === '') return `${name} is empty`;
      return `${name} ${sizeOf(value, issue.origin)}; ${sizesAllowed(issue.origin, 'at least', issue.minimum, issue.inclusive)}`;
    case 'invalid_type':
      if (value === undefined) return `${name} is missing`;
      // A query's number is a text first.
      return `${name} must be ${article(issue.expected)}, not ${isNoNumber(issue) ? quoted(value) : kindOf(value)}`;
    case 'invalid_value':
      if (value === undefined) return `${name} is missing`;
      if (value === '') return `${name} is empty; it must be ${choices(issue.values)}`;
      return `${name} must be ${choices(issue.values)}`;
    case 'invalid_union': {
      if (value === undefined) return `${name} is missing`;
      if (issue.message !== nothingSaid) return `${name}: ${issue.message}`;
      const within = deepestOf(issue);
      if (within !== undefined) return sayIssue(within, root);
      return `${name} must be ${formsOf(issue).join(' or ')}, not ${kindOf(value)}`;
    }
    case 'unrecognized_keys':
      return `there is no field ${issue.keys.slice(0, keysNamed).map(quoted).join(', ')} here`;
    default:
      return field === '' ? issue.message : `${field}: ${issue.message}`;
  }
}

/** What a union says for which nobody has written a sentence. */
const nothingSaid = 'Invalid input';

/** Of a value that is of one of several forms but for something in it, what that is. */
function deepestOf({ errors, path }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue | undefined {
  const [deepest] = errors.flat().toSorted((one, other) => other.path.length - one.path.length);
  if (deepest === undefined || (deepest.path.length === 0 && deepest.code === 'invalid_type')) return undefined;
  return { ...deepest, path: [...path, ...deepest.path] };
}

const formsOf = ({ errors }: z.core.$ZodIssueInvalidUnion): readonly string[] => [
  ...new Set(errors.flat().flatMap((issue) => (issue.code === 'invalid_type' ? [article(issue.expected)] : []))),
];

const keysNamed = 5;
const choices = (values: readonly unknown[]): string => values.map((allowed) => JSON.stringify(allowed)).join(' or ');

const valueAt = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    root,
  );

/** How large a value is, in what its rule counts: a query's `-1` is a number to a rule about numbers, though it came as text. */
function sizeOf(value: unknown, origin: string): string {
  if (origin === 'string' && typeof value === 'string') return `has ${value.length} characters`;
  if (Array.isArray(value)) return `has ${value.length} items`;
  if (origin === 'object' && typeof value === 'object' && value !== null)
    return `has ${Object.keys(value).length} fields`;
  return `is ${clipped(String(value))}`;
}

const counted = ['string', 'array', 'object'];

function sizesAllowed(origin: string, bound: 'at most' | 'at least', limit: number | bigint, inclusive = true): string {
  if (counted.includes(origin)) return bound === 'at most' ? `${limit} are allowed` : `at least ${limit} are needed`;
  if (inclusive) return `it may be ${bound} ${limit}`;
  return `it must be ${bound === 'at most' ? 'less' : 'more'} than ${limit}`;
}

const article = (kind: string): string => {
  if (kind === 'int') return 'a whole number';
  if (kind === 'record') return 'an object';
  return /^[aeio]/.test(kind) ? `an ${kind}` : `a ${kind}`;
};

const isNoNumber = (issue: object): boolean => 'received' in issue && issue.received === 'NaN';

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return String(value);
  return article(typeof value);
}
