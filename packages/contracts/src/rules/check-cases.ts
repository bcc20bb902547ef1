// Probes and items of a suite as they come in: read, named, and checked one by one.
import type { z } from 'zod';
import type { Complaint, ErrorCode } from '../errors.ts';
import { atOnce, type Steps } from '../running/steps.ts';
import { withoutNulls } from '../text/absent.ts';
import { complainOfSize, itemShape } from '../text/json-shape.ts';
import { complaintsKept, parseLines } from '../text/jsonl.ts';
import { fieldName, quoted, sayIssue } from '../text/plain-issues.ts';
import { isItemKind, suiteItemKinds, suiteItemSchema } from '../wire/suite-items.ts';
import { probeCaseSchema, type SuiteCase } from '../wire/suites.ts';
import type { EditPlace } from './check-edits.ts';
import { customIdOf } from './suite-cases.ts';

export interface ParsedCases {
  readonly cases: readonly SuiteCase[];
  readonly errors: readonly Complaint[];
}

/** Reads probes and items from JSONL. Every line is checked; blank lines are skipped; line numbers start at 1. */
export const parseCasesJsonl = (jsonl: string): ParsedCases => atOnce(parsingCases(jsonl));

/** {@link parseCasesJsonl} in steps. */
export function* parsingCases(jsonl: string): Steps<ParsedCases> {
  const { values, lines, errors } = yield* parseLines(jsonl);
  const checked = yield* checkingCases(values, (index) => ({ line: lines[index] ?? 0 }));
  return {
    cases: checked.cases,
    errors: [...errors, ...checked.errors].sort((a, b) => (a.line ?? 0) - (b.line ?? 0)),
  };
}

/**
 * Checks probes and items that are already JSON: a value with a `kind` is an item. A field that is null is absent; one without an id is
 * named after its place, counted from 1.
 */
export const checkCases = (values: readonly unknown[]): ParsedCases => atOnce(checkingCases(values));

/** {@link checkCases} in steps. Checking stops after {@link complaintsKept} complaints. */
export function* checkingCases(
  values: readonly unknown[],
  place: (index: number) => EditPlace = (index) => ({ pointer: `/probes/${index}` }),
): Steps<ParsedCases> {
  const cases: SuiteCase[] = [];
  const errors: Complaint[] = [];
  const seen = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    if (errors.length >= complaintsKept) break;
    const complain = (code: ErrorCode, field: string, message: string) => {
      const at = place(index);
      const where = 'line' in at ? at : { pointer: `${at.pointer}/${field.replaceAll('.', '/')}` };
      errors.push({ code, field, message, ...where });
    };
    const read = readCase(value, String(index + 1));
    if ('issues' in read) {
      const kept = read.issues.slice(0, complaintsKept - errors.length);
      for (const { field, message } of kept) complain('invalid_request', field, message);
      continue;
    }
    const id = customIdOf(read.item);
    const earlier = seen.get(id);
    if (earlier === undefined) cases.push(read.item);
    else {
      const field = read.item.kind === 'probe' ? 'custom_id' : 'id';
      complain('duplicate_custom_id', field, `${field} ${JSON.stringify(id)} was already used by item ${earlier + 1}`);
    }
    seen.set(id, index);
    yield;
  }
  return { cases, errors };
}

type ReadCase =
  | { readonly item: SuiteCase }
  | { readonly issues: readonly { readonly field: string; readonly message: string }[] };

function readCase(given: unknown, ownId: string): ReadCase {
  const size = complainOfSize(given, itemShape);
  if (size !== null) return { issues: [{ field: '', message: `the item is too large: ${size}` }] };
  const value = withoutNulls(given);
  const fields = isPlain(value) ? value : {};
  if (!('kind' in fields)) {
    const named = isPlain(value) ? { custom_id: ownId, ...value } : value;
    const parsed = probeCaseSchema.safeParse(named);
    return parsed.success ? { item: { kind: 'probe', probe: parsed.data } } : { issues: issuesOf(parsed.error, named) };
  }
  if (!isItemKind(fields.kind)) {
    const message = `there is no kind ${quoted(fields.kind)}; there are ${suiteItemKinds.join(', ')}`;
    return { issues: [{ field: 'kind', message }] };
  }
  const named = { id: ownId, ...fields };
  const parsed = suiteItemSchema.safeParse(named);
  return parsed.success ? { item: parsed.data } : { issues: issuesOf(parsed.error, named) };
}

const issuesOf = ({ issues }: z.ZodError, value: unknown) =>
  issues.map((issue) => ({ field: fieldName(issue.path), message: sayIssue(issue, value) }));

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
