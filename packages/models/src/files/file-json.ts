// JSON of a file that anybody may have written: parsed where everything behind can hold it.

import { complainOfShape } from '@errata/contracts';

/** Far deeper than any configuration is; whatever walks a value does so by calling itself. Vocabularies make files as wide as they like. */
const limits = { depth: 64, width: Number.POSITIVE_INFINITY, values: Number.POSITIVE_INFINITY };

/** Only such a number may be too large for a float: JSON.parse makes Infinity of it, which cannot be written again. */
const mayBeHuge = /\d{309}|[eE]\+?\d{3}/;

/** @throws Error where it is not JSON, is nested too deep, or holds a number that no float can hold; what it says may stand in brackets */
export function parseFileJson(text: string): unknown {
  const complaint = complainOfShape(text, limits);
  if (complaint !== null) throw new Error(complaint);
  const value: unknown = JSON.parse(text);
  if (mayBeHuge.test(text) && holdsInfinity(value)) throw new Error('it holds a number that is too large');
  return value;
}

function holdsInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsInfinity);
}
