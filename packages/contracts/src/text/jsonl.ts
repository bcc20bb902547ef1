// JSONL: a value a line, each line looked at before it is parsed.
import type { Complaint } from '../errors.ts';
import type { Steps } from '../running/steps.ts';
import { complainOfShape, findUnusableText, itemShape, unusableText } from './json-shape.ts';

export interface ParsedLines {
  readonly values: readonly unknown[];
  /** Of the values, in their order; 1 for the first. */
  readonly lines: readonly number[];
  readonly errors: readonly Complaint[];
}

/** Complaints after which nothing more is looked at: nobody mends a thousand by hand. */
export const complaintsKept = 1000;

/**
 * The values of a JSONL text; blank lines are skipped. A text that is one JSON document over several lines is one complaint. Reading
 * stops after {@link complaintsKept} complaints.
 */
export function* parseLines(jsonl: string): Steps<ParsedLines> {
  const text = jsonl.replace(/^\ufeff/, '');
  const values: unknown[] = [];
  const lines: number[] = [];
  const errors: Complaint[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    if (raw.trim() === '') continue;
    if (errors.length >= complaintsKept) break;
    const read = parseLine(raw, index + 1);
    if ('code' in read) errors.push(read);
    else {
      values.push(read.value);
      lines.push(index + 1);
    }
    yield;
  }
  if (errors.length === 0 || !isJson(text)) return { values, lines, errors };
  const message = 'this is one JSON document, not JSONL: write one object a line';
  return { values: [], lines: [], errors: [{ code: 'malformed_jsonl', line: 1, message }] };
}

function parseLine(raw: string, line: number): Complaint | { readonly value: unknown } {
  const shape = complainOfShape(raw, itemShape);
  if (shape !== null) return { code: 'malformed_jsonl', line, message: `not to be read: ${shape}` };
  try {
    const value: unknown = JSON.parse(raw);
    const field = findUnusableText(raw, value)?.join('.');
    if (field === undefined) return { value };
    return { code: 'control_characters', line, field, message: `${field || 'the value'} ${unusableText}` };
  } catch (error) {
    return { code: 'malformed_jsonl', line, message: `not JSON: ${(error as Error).message}` };
  }
}

// What somebody has written over several lines by mistake: no deeper than one of its items in an array, as long as a batch may be.
const documentShape = { ...itemShape, width: 10_000, values: 1_000_000 };

function isJson(text: string): boolean {
  if (complainOfShape(text, documentShape) !== null) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
