// What a schema finds wrong, in plain words: each names the field once, what it has and what is allowed.
import type { z } from 'zod';

/** @param root the value that was checked */
export function sayIssue(issue: z.core.$ZodIssue, root: unknown): string {
  const field = issue.path.map(String).join('.');
  const name = field === '' ? 'the value' : field;
  const value = valueAt(root, issue.path);
  switch (issue.code) {
    case 'too_big':
      return `${name} ${sizeOf(value)}; ${sizesAllowed(value, 'at most', issue.maximum, issue.inclusive)}`;
    case 'too_small':
      if (value === '') return `${name} is empty`;
      return `${name} ${sizeOf(value)}; ${sizesAllowed(value, 'at least', issue.minimum, issue.inclusive)}`;
    case 'invalid_type':
      if (value === undefined) return `${name} is missing`;
      return `${name} must be ${article(issue.expected)}, not ${kindOf(value)}`;
    case 'invalid_value':
      if (value === undefined) return `${name} is missing`;
      return `${name} must be ${issue.values.map((allowed) => JSON.stringify(allowed)).join(' or ')}`;
    case 'unrecognized_keys':
      return `there is no field ${issue.keys.map((key) => JSON.stringify(key)).join(', ')} here`;
    default:
      return field === '' ? issue.message : `${field}: ${issue.message}`;
  }
}

const valueAt = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    root,
  );

function sizeOf(value: unknown): string {
  if (typeof value === 'string') return `has ${value.length} characters`;
  if (Array.isArray(value)) return `has ${value.length} items`;
  return `is ${String(value)}`;
}

function sizesAllowed(value: unknown, bound: 'at most' | 'at least', limit: number | bigint, inclusive = true): string {
  const counted = typeof value === 'string' || Array.isArray(value);
  if (counted) return bound === 'at most' ? `${limit} are allowed` : `at least ${limit} are needed`;
  if (inclusive) return `it may be ${bound} ${limit}`;
  return `it must be ${bound === 'at most' ? 'less' : 'more'} than ${limit}`;
}

const article = (kind: string): string => {
  if (kind === 'int') return 'a whole number';
  if (kind === 'record') return 'an object';
  return /^[aeio]/.test(kind) ? `an ${kind}` : `a ${kind}`;
};

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return String(value);
  return article(typeof value);
}
